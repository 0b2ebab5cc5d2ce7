// WHEN, as people write it, without a store: what the text means.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "base/error.h"

namespace rb {

struct LatestSnapshot {
  bool operator==(const LatestSnapshot&) const = default;
};
// The newest snapshot received before this moment. What people name is a day, a minute or a second, and they
// mean all of it: "2026-11-01" is everything before midnight at its end.
struct SnapshotBefore {
  Timestamp end;
  bool operator==(const SnapshotBefore&) const = default;
};
struct SnapshotPrefix {
  std::string hex;  // lower case, 4 to 32 digits
  bool operator==(const SnapshotPrefix&) const = default;
};
using When = std::variant<LatestSnapshot, SnapshotBefore, SnapshotPrefix>;

// Dates are in the local time zone. "3 days ago" is the same time of day three calendar days earlier; a month
// that is too short for the day ends on its last one. Errc::invalid_argument says what can be written.
Result<When> parse_when(std::string_view text, const Timestamp& now);

// "2026-11-01 14:30:05", local.
std::string format_local(const Timestamp& time);

}  // namespace rb
