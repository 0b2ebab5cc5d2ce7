// Which snapshots of a node stay. Pure: no clock, no catalog. It goes by the time the server received a
// snapshot and by its place in the history, never by what a client says.
//
//   head      the newest in the history stays, always, and so do pinned ones
//   floor     and within: as old as that, counted back from the newest one, not from now: a machine that was
//             off for a year keeps the last weeks it had
//   last      the newest in the history
//   hourly    the newest of each hour, for the newest so many hours in which there are any; likewise of each
//             day, week (Monday to Sunday, as ISO 8601), month and year. While there are fewer periods than
//             that, the oldest snapshot of all stays too, so that the history reaches back as far as it can
//   future    received later than now: somebody's clock was wrong. It stays and takes nobody's place
//
// Every rule counts for itself, as with restic (not as with borg, where a rule passes over what an earlier
// one keeps): so a larger policy never keeps less, and to judge again what was kept changes nothing. A flood
// of snapshots in one hour takes one place of each calendar rule; of `last` it takes all, and the floor is
// why that costs nothing at once.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "repository/retention_policy.h"
#include "store/store.h"

namespace rb {

struct RetentionSnapshot {
  SnapshotId id;
  std::uint64_t sequence = 0;  // in the node's history; no two are the same
  Timestamp received;
  bool pinned = false;
};

enum class KeepRule : std::uint8_t {
  head,
  pinned,
  future,
  floor,
  within,
  last,
  hourly,
  daily,
  weekly,
  monthly,
  yearly,
};

struct KeepReason {
  KeepRule rule = KeepRule::head;
  // Of a rule that counts: which of its places this one takes, from 1, the newest first.
  std::uint32_t place = 0;
  bool oldest = false;  // it has that place because it is the oldest of all
  bool operator==(const KeepReason&) const = default;
};
// "daily 3", "yearly 2 (oldest)", "within".
std::string to_string(const KeepReason& reason);

struct RetentionVerdict {
  SnapshotId id;
  std::uint64_t sequence = 0;
  std::vector<KeepReason> reasons;  // in the order of KeepRule
  bool kept() const { return !reasons.empty(); }
  bool operator==(const RetentionVerdict&) const = default;
};

// Seconds east of UTC at a moment. Days, weeks, months and years are those of this zone; hours are UTC's, so
// that the hour that a clock set back repeats is two hours.
using ZoneOffset = std::function<std::chrono::seconds(std::int64_t unix_seconds)>;
std::chrono::seconds utc_offset(std::int64_t unix_seconds);          // zero
std::chrono::seconds server_zone_offset(std::int64_t unix_seconds);  // of TZ or /etc/localtime

// A verdict for each snapshot, newest in the history first, whatever the order of `snapshots`.
// Errc::invalid_argument: see check_retention_policy.
Result<std::vector<RetentionVerdict>> judge_retention(const RetentionPolicy& policy,
                                                      std::span<const RetentionSnapshot> snapshots,
                                                      const Timestamp& now, const ZoneOffset& zone);

}  // namespace rb
