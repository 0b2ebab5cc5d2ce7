// How much the histories hold, as far as that is known without a mark: what packs hold of each node is
// counted; the rest is what each run said of itself in its snapshot.
#include <algorithm>

#include "repository/local_history.h"

namespace rb {

namespace {

std::size_t age_class(const Timestamp& received, const Timestamp& now) {
  const auto is_older = [&](std::chrono::hours bound) {
    return received.seconds < now.seconds - std::chrono::seconds(bound).count();
  };
  return static_cast<std::size_t>(std::ranges::count_if(kAgeBounds, is_older));
}

// Clients state these numbers: they must not overflow a sum.
void add(std::uint64_t& sum, std::uint64_t more) {
  sum = more > UINT64_MAX - sum ? UINT64_MAX : sum + more;
}

}  // namespace

Result<NodeStats> LocalHistory::stats_of(const NodeRecord& node) {
  NodeStats stats{.name = node.name};
  RB_TRY(const Judged judged, judge(node));
  const auto marks = core_->book().marks_of_node(node.node);
  stats.deleted_snapshots = static_cast<std::uint64_t>(
      std::ranges::count_if(marks, [](const CatalogSnapshotMark& mark) { return mark.deleted.has_value(); }));
  stats.snapshots = judged.history.size();
  stats.stored_bytes = core_->index().stored_bytes(node.node);
  const Timestamp now = core_->clock().wall();
  for (std::size_t i = 0; i < judged.history.size(); ++i) {
    const SnapshotInfo& info = judged.history[i].info;
    const bool goes = !judged.policy.empty() && !judged.verdicts[i].kept();
    if (goes) ++stats.prune_snapshots;
    const Result<Snapshot> snapshot = core_->snapshots().read(node.domain, info.object);
    if (!snapshot) {  // damage must not hide the rest
      ++stats.unreadable;
      continue;
    }
    const std::uint64_t logical = logical_bytes_of(*snapshot);
    if (i == 0) stats.copy_bytes = logical;
    AgeStats& age = stats.by_age[age_class(info.received, now)];
    ++age.snapshots;
    add(age.logical_bytes, logical);
    add(age.deduplicated_bytes, snapshot->counts.bytes_new);
    add(age.sent_bytes, snapshot->counts.bytes_sent);
    if (goes) add(stats.prune_bytes_estimate, snapshot->counts.bytes_sent);
  }
  return stats;
}

Result<std::vector<NodeStats>> LocalHistory::stats() {
  RB_TRY(const std::vector<NodeRecord> nodes, nodes_called(""));
  std::vector<NodeStats> out;
  for (const NodeRecord& node : nodes) {
    RB_TRY(NodeStats stats, stats_of(node));
    out.push_back(std::move(stats));
  }
  return out;
}

}  // namespace rb
