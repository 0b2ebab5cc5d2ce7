// The HistoryKeeper of a repository. Thread-safe.
#pragma once

#include <atomic>

#include "repository/repository_core.h"
#include "repository/retention.h"
#include "store/history_keeper.h"

namespace rb {

class LocalHistory final : public HistoryKeeper {
 public:
  explicit LocalHistory(std::shared_ptr<RepositoryCore> core) : core_(std::move(core)) {}

  Result<std::vector<PrunedNode>> prune(const PruneRequest& request) override;
  Result<std::vector<KeptSnapshot>> snapshots(const std::string& node) override;
  Status pin(const std::string& node, const std::string& snapshot, bool pinned) override;
  Status undelete(const std::string& node, const std::string& snapshot) override;
  Result<std::vector<NodeStats>> stats() override;
  RetentionCounters counters() override;

 private:
  struct Judged {
    std::string policy;
    std::vector<MarkedSnapshot> history;     // newest first, without the deleted ones
    std::vector<RetentionVerdict> verdicts;  // one of each, in the same order
  };
  Result<Judged> judge(const NodeRecord& node);
  Result<PrunedNode> prune_node(const NodeRecord& node, const PruneRequest& request);
  Result<std::vector<PrunedNode>> prune_nodes(const PruneRequest& request);
  Result<std::vector<NodeRecord>> nodes_called(const std::string& name) const;  // all, for none
  Result<CatalogSnapshotKey> find(const NodeRecord& node, const std::string& snapshot);
  Result<NodeStats> stats_of(const NodeRecord& node);

  const std::shared_ptr<RepositoryCore> core_;
  std::mutex pruning_;  // one at a time
  std::atomic<std::uint64_t> deleted_ = 0, failures_ = 0;
};

}  // namespace rb
