// What an administrator decides about histories: which snapshots go, which are pinned, and what comes back.
// Thread-safe; changes are on stable storage when they return.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"

namespace rb {

struct PruneRequest {
  std::string node;        // empty: all of them
  bool dry_run = false;    // judges, and lets nothing go
  bool snapshots = false;  // tell of each snapshot, not only how many
};

struct JudgedSnapshot {
  SnapshotInfo info;
  std::vector<std::string> reasons;  // why it stays: "head", "daily 3"; none: it goes
};

struct PrunedNode {
  std::string name;
  std::string policy;  // empty: there is none, and everything stays
  std::uint64_t kept = 0;
  std::uint64_t deleted = 0;              // or would be, in a dry run
  std::vector<JudgedSnapshot> snapshots;  // newest first
};

struct KeptSnapshot {
  SnapshotInfo info;  // with `gone_after`, where it is deleted
  bool pinned_by_administrator = false;
  bool pinned_by_node = false;
  std::optional<Timestamp> released;  // the node took its pin back, which holds until the floor has passed
  std::optional<Timestamp> deleted;
};

// Of snapshots received since the age of the class before, up to this one.
struct AgeStats {
  std::uint64_t snapshots = 0;
  std::uint64_t logical_bytes = 0;       // of all files in them, each snapshot as if it stood alone
  std::uint64_t deduplicated_bytes = 0;  // contents that were new to the store, before compression
  std::uint64_t sent_bytes = 0;          // the same as stored, compressed
};
inline constexpr std::array<std::chrono::hours, 4> kAgeBounds = {
    std::chrono::hours(24), std::chrono::hours(24 * 7), std::chrono::hours(24 * 31),
    std::chrono::hours(24 * 366)};

struct NodeStats {
  std::string name;
  std::uint64_t snapshots = 0, deleted_snapshots = 0;
  std::uint64_t copy_bytes = 0;    // of the files in the current copy
  std::uint64_t stored_bytes = 0;  // what the node sent and is still in packs; counted, no estimate
  std::array<AgeStats, kAgeBounds.size() + 1> by_age;  // as the clients' runs said
  std::uint64_t unreadable = 0;                        // snapshots that are not in by_age
  // An estimate: what the runs sent whose snapshots a prune would let go now. What later snapshots still use
  // of it stays; only a collection knows.
  std::uint64_t prune_bytes_estimate = 0;
  std::uint64_t prune_snapshots = 0;
};

struct RetentionCounters {
  std::optional<Timestamp> last_pruning;    // of all nodes, as the journal says
  std::uint64_t deleted = 0, failures = 0;  // since the start
};

class HistoryKeeper {
 public:
  virtual ~HistoryKeeper() = default;

  // Errc::conflict: the server's clock can't be trusted, nothing was done.
  virtual Result<std::vector<PrunedNode>> prune(const PruneRequest& request) = 0;
  // Newest first, the deleted ones that can come back among them.
  virtual Result<std::vector<KeptSnapshot>> snapshots(const std::string& node) = 0;
  // `snapshot` is an id, or the beginning of one. Errc::not_found; Errc::invalid_argument: of more than one.
  virtual Status pin(const std::string& node, const std::string& snapshot, bool pinned) = 0;
  virtual Status undelete(const std::string& node, const std::string& snapshot) = 0;
  // Reads every snapshot object: seconds for tens of thousands.
  virtual Result<std::vector<NodeStats>> stats() = 0;
  virtual RetentionCounters counters() = 0;
};

}  // namespace rb
