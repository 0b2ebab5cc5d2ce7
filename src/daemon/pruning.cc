#include "daemon/pruning.h"

#include "base/log.h"

namespace rb::daemon {

Status prune_and_log(HistoryKeeper& keeper) {
  RB_TRY(const std::vector<PrunedNode> nodes, keeper.prune({}));
  std::uint64_t deleted = 0;
  for (const PrunedNode& node : nodes) {
    deleted += node.deleted;
    if (node.deleted > 0) {
      log(LogLevel::info, "pruned the node \"{}\": {} snapshots deleted, {} kept", node.name, node.deleted,
          node.kept);
    }
  }
  log(LogLevel::info, "pruned: {} nodes, {} snapshots deleted", nodes.size(), deleted);
  return {};
}

}  // namespace rb::daemon
