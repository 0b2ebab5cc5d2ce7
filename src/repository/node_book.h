// What the journal says, ready to use: nodes, domains and histories. Every change is a record in the journal
// first and a row of the catalog after. Thread-safe; changes form one serialised step.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "repository/catalog.h"
#include "repository/journal.h"
#include "repository/session_state.h"

namespace rb {

class NodeBook {
 public:
  // Reads the catalog and applies the entries of the journal that it lacks. Gives how many these were in
  // `replayed`.
  static Result<std::unique_ptr<NodeBook>> open(Journal& journal, Catalog& catalog, const Clock& clock,
                                                std::uint64_t& replayed);

  // The node bound to this uid and user name; enrols it, in a domain of its own, when there is none. `label`
  // is its name unless another node has that.
  Result<NodeRecord> node_of(std::uint32_t uid, const std::string& user, const std::string& label);
  ChunkParams chunk_params(std::uint32_t domain) const;
  bool has_domain(std::uint32_t domain) const;

  // Compare-and-swap on the head of the session's node. The fence and an earlier commit of the same run are
  // looked at inside the step. Requires: the snapshot object is durable and accepted.
  Result<CommitResult> commit(const SessionState& session, const CommitRequest& request);
  // As barrier() of BlockWriter, for commits.
  void barrier();

  std::optional<SnapshotInfo> head(std::uint32_t node) const;
  Result<std::optional<SnapshotInfo>> commit_of(std::uint32_t node, const RunId& run);
  Result<std::optional<SnapshotInfo>> snapshot(std::uint32_t node, const SnapshotId& id);
  Result<std::vector<SnapshotInfo>> snapshots(std::uint32_t node, const SnapshotQuery& query);
  Result<std::uint64_t> snapshot_count(std::uint32_t node);

 private:
  NodeBook(Journal& journal, Catalog& catalog, const Clock& clock)
      : journal_(journal), catalog_(catalog), clock_(clock) {}
  Status load_catalog();
  void take(const JournalEntry& entry);
  Status catch_up();
  Result<NodeRecord> enrol(std::uint32_t uid, const std::string& user, const std::string& label);
  std::string free_name(const std::string& label, std::uint32_t uid) const;

  Journal& journal_;
  Catalog& catalog_;
  const Clock& clock_;
  mutable std::mutex mutex_;  // guards the rest, and is held while the journal is written
  std::map<std::uint32_t, NodeRecord> nodes_;
  std::map<std::uint32_t, DomainRecord> domains_;
  std::map<std::uint32_t, SnapshotInfo> heads_;  // by node
  CatalogBatch behind_;                          // in the journal, not yet in the catalog
};

}  // namespace rb
