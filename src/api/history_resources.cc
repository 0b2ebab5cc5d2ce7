#include "api/history_resources.h"

#include "api/answers.h"
#include "api/check_messages.h"
#include "api/history_messages.h"
#include "base/log.h"

namespace rb::api {

namespace {

Result<Response> prune(HistoryKeeper& keeper, const Caller& caller, const Request& request) {
  RB_TRY(const PruneRequest wanted, decode_prune_request(request.body));
  RB_TRY(const std::vector<PrunedNode> nodes, keeper.prune(wanted));
  for (const PrunedNode& node : nodes) {
    if (wanted.dry_run || node.deleted == 0) continue;
    log(LogLevel::info, "\"{}\" pruned the node \"{}\": {} snapshots deleted, {} kept", caller.name,
        node.name, node.deleted, node.kept);
  }
  return json_response(200, encode_pruned(nodes));
}

Result<Response> snapshots(HistoryKeeper& keeper, const Request& request) {
  RB_TRY(const SnapshotOrder order, decode_snapshot_order(request.body));
  RB_TRY(const std::vector<KeptSnapshot> found, keeper.snapshots(order.node));
  return json_response(200, encode_kept_snapshots(found));
}

Result<Response> pin(HistoryKeeper& keeper, const Caller& caller, const Request& request) {
  RB_TRY(const SnapshotOrder order, decode_snapshot_order(request.body));
  RB_TRY(keeper.pin(order.node, order.snapshot, order.pinned));
  log(LogLevel::info, "\"{}\" {} the snapshot {} of \"{}\"", caller.name,
      order.pinned ? "pinned" : "unpinned", order.snapshot, order.node);
  return no_content();
}

Result<Response> undelete(HistoryKeeper& keeper, const Caller& caller, const Request& request) {
  RB_TRY(const SnapshotOrder order, decode_snapshot_order(request.body));
  RB_TRY(keeper.undelete(order.node, order.snapshot));
  log(LogLevel::info, "\"{}\" undeleted the snapshot {} of \"{}\"", caller.name, order.snapshot, order.node);
  return no_content();
}

Result<Response> stats(HistoryKeeper& keeper, Backend& backend) {
  StatsAnswer answer;
  RB_TRY(answer.nodes, keeper.stats());
  if (Checker* const checker = backend.checker()) answer.damaged = checker->damaged_copies();
  return json_response(200, encode_stats(answer));
}

}  // namespace

Result<Response> handle_history(Backend& backend, const Caller& caller, const Route& route,
                                const Request& request) {
  HistoryKeeper* keeper = backend.history();
  if (keeper == nullptr) return fail(Errc::unsupported, "this server lets no snapshot go");
  switch (route.kind) {
    case RouteKind::prune:
      return prune(*keeper, caller, request);
    case RouteKind::history:
      return snapshots(*keeper, request);
    case RouteKind::pin:
      return pin(*keeper, caller, request);
    case RouteKind::undelete:
      return undelete(*keeper, caller, request);
    case RouteKind::stats:
      return stats(*keeper, backend);
    default:
      return fail(Errc::not_found, "there is no such resource");
  }
}

}  // namespace rb::api
