// What the MemoryStores of one repository share: the objects, history, claims and live sessions of each node.
// One mutex guards all of it; the methods of MemoryNode require it to be held.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "store/memory_store.h"

namespace rb {

// One session as the others see it.
struct MemoryLease {
  std::uint64_t number = 0;
  RunId run;
  SessionPurpose purpose = SessionPurpose::write;
  bool fenced = false;
  bool ask_again = false;  // "don't ask" was withdrawn
};

// A node is a domain of its own: nothing here is shared with another node.
class MemoryNode {
 public:
  // Checks a block as a server must, then stores it. Refuses it whole.
  Status accept(Bytes block);
  // Claims what it answers "send" for.
  std::vector<Presence> ask(std::uint64_t session, std::span<const ObjectId> ids);
  Result<std::vector<std::shared_ptr<const Bytes>>> blocks_of(std::span<const ObjectId> ids) const;

  Result<CommitResult> commit(const RunId& run, const CommitRequest& request);
  std::optional<SnapshotInfo> head() const;
  std::optional<SnapshotInfo> commit_of(const RunId& run) const;
  bool has_snapshot(const SnapshotId& id) const;
  std::vector<SnapshotInfo> history_before(std::uint64_t sequence, std::size_t limit) const;
  std::size_t snapshot_count() const { return history_.size(); }

  bool holds(const ObjectId& id) const { return objects_.contains(id); }
  std::size_t object_count() const { return objects_.size(); }
  std::uint64_t stored_bytes() const { return stored_bytes_; }

  // Registers a session; a write session of the same run takes the place of the earlier one.
  void enter(const std::shared_ptr<MemoryLease>& lease);
  void leave(std::uint64_t session);
  // Whether no other session is alive.
  bool is_alone(std::uint64_t session) const;

 private:
  struct Stored {
    ObjectKind kind = ObjectKind::chunk;
    std::size_t block = 0;
  };
  struct Claim {
    std::uint64_t session = 0;
    std::chrono::nanoseconds given{};
  };
  Status check_references(const std::vector<NamedObject>& objects) const;
  bool claimed_by_other(std::uint64_t session, const ObjectId& id) const;

  std::unordered_map<ObjectId, Stored> objects_;
  std::vector<std::shared_ptr<const Bytes>> blocks_;
  std::uint64_t stored_bytes_ = 0;
  std::vector<SnapshotInfo> history_;  // ascending by sequence
  std::unordered_map<ObjectId, Claim> claims_;
  std::map<std::uint64_t, std::shared_ptr<MemoryLease>> leases_;
  SystemClock clock_;
};

class MemoryRepository {
 public:
  explicit MemoryRepository(const ChunkParams& params);

  std::mutex mutex;
  const ChunkParams params;
  const RepositoryId id;
  std::map<std::string, MemoryNode> nodes;
  std::uint64_t last_session = 0;
};

}  // namespace rb
