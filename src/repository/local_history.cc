#include "repository/local_history.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "repository/root_admission.h"

namespace rb {

namespace {

std::unexpected<Error> no_snapshot(const std::string& node, const std::string& snapshot) {
  return fail(Errc::not_found, fmt::format("the node \"{}\" has no snapshot {}", node, snapshot));
}

Timestamp newest_of(const std::vector<MarkedSnapshot>& history) {
  Timestamp newest;
  for (const MarkedSnapshot& snapshot : history)
    newest = std::max(newest, snapshot.info.received);
  return newest;
}

}  // namespace

Result<std::vector<NodeRecord>> LocalHistory::nodes_called(const std::string& name) const {
  std::vector<NodeRecord> nodes;
  if (!name.empty()) {
    RB_TRY(NodeRecord node, core_->book().node_called(name));
    nodes.push_back(std::move(node));
    return nodes;
  }
  for (const NodeBook::Member& member : core_->book().members()) {
    if (member.record.node != 0) nodes.push_back(member.record);
  }
  return nodes;
}

Result<LocalHistory::Judged> LocalHistory::judge(const NodeRecord& node) {
  Judged judged;
  RB_TRY(judged.history, core_->book().history(node.node));
  std::erase_if(judged.history, [](const MarkedSnapshot& s) { return s.mark.deleted.has_value(); });
  const RetentionState& retention = core_->retention();
  const auto policy = retention.policy_of(node.name);
  if (!policy) return judged;
  judged.policy = to_text(*policy);
  const Timestamp newest = newest_of(judged.history);
  std::vector<RetentionSnapshot> snapshots;
  snapshots.reserve(judged.history.size());
  for (const MarkedSnapshot& s : judged.history) {
    snapshots.push_back({.id = s.info.id,
                         .sequence = s.info.sequence,
                         .received = s.info.received,
                         .pinned = retention.holds(s.mark, node.name, newest)});
  }
  RB_TRY(judged.verdicts, judge_retention(*policy, snapshots, core_->clock().wall(), server_zone_offset));
  RB_ASSERT(judged.verdicts.size() == judged.history.size());
  return judged;
}

// Between judging and deleting others may pin or commit: that is looked at again in the step that deletes.
Result<PrunedNode> LocalHistory::prune_node(const NodeRecord& node, const PruneRequest& request) {
  RB_TRY(const Judged judged, judge(node));
  PrunedNode report{.name = node.name, .policy = judged.policy};
  std::vector<std::uint64_t> going;
  for (std::size_t i = 0; i < judged.history.size(); ++i) {
    JudgedSnapshot snapshot{.info = judged.history[i].info};
    if (judged.policy.empty()) snapshot.reasons.emplace_back("no policy");
    if (!judged.policy.empty()) {
      for (const KeepReason& reason : judged.verdicts[i].reasons)
        snapshot.reasons.push_back(to_string(reason));
    }
    if (snapshot.reasons.empty()) going.push_back(snapshot.info.sequence);
    if (request.snapshots) report.snapshots.push_back(std::move(snapshot));
  }
  report.deleted = going.size();
  if (!request.dry_run) {
    RB_TRY(report.deleted, core_->book().delete_snapshots(node.node, going));
    deleted_ += report.deleted;
  }
  report.kept = judged.history.size() - report.deleted;
  return report;
}

Result<std::vector<PrunedNode>> LocalHistory::prune_nodes(const PruneRequest& request) {
  const std::lock_guard lock(pruning_);
  RB_TRY(core_->retention().check_clock(core_->book().times()));
  RB_TRY(const std::vector<NodeRecord> nodes, nodes_called(request.node));
  std::vector<PrunedNode> reports;
  std::uint64_t deleted = 0;
  for (const NodeRecord& node : nodes) {
    RB_TRY(PrunedNode report, prune_node(node, request));
    deleted += report.deleted;
    reports.push_back(std::move(report));
  }
  if (!request.dry_run && request.node.empty()) RB_TRY(core_->book().note_pruning(deleted));
  return reports;
}

Result<std::vector<PrunedNode>> LocalHistory::prune(const PruneRequest& request) {
  auto reports = prune_nodes(request);
  if (!reports && !request.dry_run) ++failures_;
  return reports;
}

Result<std::vector<KeptSnapshot>> LocalHistory::snapshots(const std::string& node_name) {
  RB_TRY(const NodeRecord node, core_->book().node_called(node_name));
  RB_TRY(const std::vector<MarkedSnapshot> history, core_->book().history(node.node));
  const std::chrono::seconds grace = core_->retention().undelete_for();
  std::vector<KeptSnapshot> out;
  out.reserve(history.size());
  for (const MarkedSnapshot& snapshot : history) {
    const CatalogSnapshotMark& mark = snapshot.mark;
    KeptSnapshot kept{.info = snapshot.info,
                      .pinned_by_administrator = mark.pinned_by_administrator,
                      .pinned_by_node = mark.pinned_by_node,
                      .released = mark.released,
                      .deleted = mark.deleted};
    if (mark.deleted)
      kept.info.gone_after = {mark.deleted->seconds + grace.count(), mark.deleted->nanoseconds};
    out.push_back(std::move(kept));
  }
  return out;
}

Result<CatalogSnapshotKey> LocalHistory::find(const NodeRecord& node, const std::string& snapshot) {
  RB_TRY(const std::vector<MarkedSnapshot> history, core_->book().history(node.node));
  std::optional<CatalogSnapshotKey> found;
  for (const MarkedSnapshot& s : history) {
    if (snapshot.empty() || !to_hex(s.info.id).starts_with(snapshot)) continue;
    if (found) return fail(Errc::invalid_argument, fmt::format("{} begins more than one snapshot", snapshot));
    found = {node.node, s.info.sequence};
  }
  if (!found) return no_snapshot(node.name, snapshot);
  return *found;
}

Status LocalHistory::pin(const std::string& node_name, const std::string& snapshot, bool pinned) {
  RB_TRY(const NodeRecord node, core_->book().node_called(node_name));
  RB_TRY(const CatalogSnapshotKey key, find(node, snapshot));
  return core_->book().pin(key, pinned, PinAuthority::administrator, [] { return Status{}; });
}

Status LocalHistory::undelete(const std::string& node_name, const std::string& snapshot) {
  RB_TRY(const NodeRecord node, core_->book().node_called(node_name));
  RB_TRY(const CatalogSnapshotKey key, find(node, snapshot));
  if (!core_->book().mark_of(key).deleted) {
    return fail(Errc::conflict, fmt::format("the snapshot {} is not deleted", snapshot));
  }
  const auto admit = [&](std::uint32_t domain, const ObjectId& object) -> Status {
    const Status admitted = admit_root(core_->index(), core_->gate(), domain, object, std::nullopt);
    if (admitted || admitted.error().code != Errc::missing_refs) return admitted;
    return fail(Errc::not_found, "a collection has freed what the snapshot holds: it can't come back");
  };
  return core_->book().undelete(key, admit);
}

RetentionCounters LocalHistory::counters() {
  return {.last_pruning = core_->book().times().last_pruning, .deleted = deleted_, .failures = failures_};
}

}  // namespace rb
