#include "daemon/history_verbs.h"

#include <fmt/format.h>

#include "api/client_codec.h"
#include "api/collection_messages.h"
#include "daemon/history_table.h"
#include "daemon/quantity.h"

namespace rb::daemon {

namespace {

// Each deletion is synced, and each snapshot read for the statistics.
constexpr std::chrono::minutes kLongPatience{30};
// A collection that copies gigabytes on a slow disk.
constexpr std::chrono::hours kVeryLongPatience{24};

Result<std::vector<std::string>> node_names(Administrator& administrator) {
  RB_TRY(const api::Response answer, administrator.ask(api::nodes_request()));
  RB_TRY(const std::vector<NodeOverview> nodes, api::parse_nodes(answer));
  std::vector<std::string> names;
  for (const NodeOverview& node : nodes) {
    if (node.node != 0) names.push_back(node.name);
  }
  return names;
}

Result<std::vector<PrunedNode>> prune(const PruneRequest& request, Administrator& administrator) {
  RB_TRY(const api::Response answer, administrator.ask(api::prune_request(request), kLongPatience));
  return api::parse_pruned(answer);
}

// Node by node, so that an answer holds one history at most.
Status show_what_stays(const Options& options, Administrator& administrator) {
  std::vector<std::string> names{options.node};
  if (options.node.empty()) {
    RB_TRY(names, node_names(administrator));
  }
  for (const std::string& name : names) {
    RB_TRY(const auto nodes, prune({.node = name, .dry_run = true, .snapshots = true}, administrator));
    for (const PrunedNode& node : nodes) {
      fmt::print("{}{}", options.json ? api::encode_pruned_node(node) : pruned_table(node),
                 options.json ? "\n" : "");
    }
  }
  return {};
}

Result<std::vector<KeptSnapshot>> history_of(const std::string& node, Administrator& administrator) {
  RB_TRY(const api::Response answer, administrator.ask(api::history_request(node), kLongPatience));
  return api::parse_history(answer);
}

}  // namespace

Status run_prune(const Options& options, Administrator& administrator) {
  if (options.dry_run) return show_what_stays(options, administrator);
  RB_TRY(const auto nodes, prune({.node = options.node}, administrator));
  for (const PrunedNode& node : nodes) {
    if (options.json) {
      fmt::print("{}\n", api::encode_pruned_node(node));
    } else {
      fmt::print("{}: {} snapshots deleted, {} kept{}\n", node.name, node.deleted, node.kept,
                 node.policy.empty() ? " (no policy)" : "");
    }
  }
  return {};
}

Status run_snapshots(const Options& options, Administrator& administrator) {
  std::vector<std::string> names = options.words;
  if (names.empty()) {
    RB_TRY(names, node_names(administrator));
  }
  for (const std::string& name : names) {
    RB_TRY(const auto snapshots, history_of(name, administrator));
    if (!options.json) {
      if (names.size() > 1) fmt::print("{}:\n", name);
      fmt::print("{}", kept_table(snapshots));
      continue;
    }
    for (const KeptSnapshot& snapshot : snapshots)
      fmt::print("{}\n", api::encode_kept_snapshot(snapshot));
  }
  return {};
}

Status run_pin(const Options& options, Administrator& administrator, bool pinned) {
  RB_TRY(const api::Response answer,
         administrator.ask(
             api::pin_request({.node = options.words[0], .snapshot = options.words[1], .pinned = pinned})));
  return api::parse_done(answer);
}

Status run_undelete(const Options& options, Administrator& administrator) {
  RB_TRY(const api::Response answer,
         administrator.ask(api::undelete_request({.node = options.words[0], .snapshot = options.words[1]})));
  RB_TRY(api::parse_done(answer));
  fmt::print(stderr, "it is back; the next prune judges it again: pin it if it is to stay\n");
  return {};
}

Status run_stats(const Options& options, Administrator& administrator) {
  RB_TRY(const api::Response answer, administrator.ask(api::stats_request(), kLongPatience));
  RB_TRY(const api::StatsAnswer stats, api::parse_stats(answer));
  if (options.json) {
    for (const NodeStats& node : stats.nodes)
      fmt::print("{}\n", api::encode_node_stats(node));
    return {};
  }
  fmt::print("{}", stats_table(stats.nodes));
  if (stats.damaged.files > 0) {
    fmt::print(
        "\nbeside the packs: {} damaged files that repairs have kept, {} (see 'gc --damaged-copies')\n",
        stats.damaged.files, format_bytes(stats.damaged.bytes));
  }
  return {};
}

Status run_gc(const Options& options, Administrator& administrator) {
  const api::CollectionOrder order{.dry_run = options.dry_run,
                                   .though_damaged = options.though_damaged,
                                   .damaged_copies = options.damaged_copies};
  RB_TRY(const api::Response answer, administrator.ask(api::collection_request(order), kVeryLongPatience));
  RB_TRY(const api::CollectionAnswer done, api::parse_collection(answer));
  if (options.json) {
    fmt::print("{}\n", api::encode_collection_answer(done));
  } else if (options.dry_run) {
    fmt::print("{} of {} objects, {}, could be freed\n", done.dead, done.objects,
               format_bytes(done.bytes_dead));
  } else {
    fmt::print("{} of {} objects, {}, freed; {} packs with {} given back, {} copied; {:.1f} s\n", done.dead,
               done.objects, format_bytes(done.bytes_dead), done.packs_unlinked,
               format_bytes(done.bytes_freed), format_bytes(done.bytes_copied), done.seconds);
    if (done.copies_removed > 0) {
      fmt::print("{} damaged files with {} removed\n", done.copies_removed,
                 format_bytes(done.copy_bytes_removed));
    }
    if (done.copies_kept > 0)
      fmt::print("{} damaged files stay: {}\n", done.copies_kept, done.copies_kept_because);
  }
  return {};
}

}  // namespace rb::daemon
