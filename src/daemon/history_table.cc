#include "daemon/history_table.h"

#include <fmt/format.h>

#include "daemon/node_table.h"
#include "daemon/quantity.h"

namespace rb::daemon {

namespace {

constexpr std::size_t kIdDigits = 12;
constexpr std::array<const char*, kAgeBounds.size() + 1> kAges = {"a day", "a week", "a month", "a year",
                                                                  "older"};

std::string short_id(const SnapshotId& id) {
  return to_hex(id).substr(0, kIdDigits);
}

std::string state_of(const KeptSnapshot& snapshot) {
  std::string state;
  const auto add = [&](bool is_so, const std::string& word) {
    if (is_so) state += (state.empty() ? "" : ", ") + word;
  };
  add(snapshot.pinned_by_administrator, "pinned");
  add(snapshot.pinned_by_node, "pinned by the node");
  add(snapshot.released.has_value(), "unpinned by the node");
  if (snapshot.deleted && snapshot.info.gone_after) {
    add(true, fmt::format("deleted {}, can be undeleted until a collection after {}",
                          local_time(*snapshot.deleted), local_time(*snapshot.info.gone_after)));
  }
  return state.empty() ? "-" : state;
}

std::string age_line(const char* name, const AgeStats& age) {
  return fmt::format("    {:<10}{:>10}{:>14}{:>14}{:>14}\n", name, age.snapshots,
                     format_bytes(age.logical_bytes), format_bytes(age.deduplicated_bytes),
                     format_bytes(age.sent_bytes));
}

}  // namespace

std::string pruned_table(const PrunedNode& node) {
  std::string text = fmt::format("{}: {}\n", printable_name(node.name),
                                 node.policy.empty() ? "no policy, everything stays" : node.policy);
  for (const JudgedSnapshot& snapshot : node.snapshots) {
    text += fmt::format(
        "    {}  {}  {}\n", short_id(snapshot.info.id), local_time(snapshot.info.received),
        snapshot.reasons.empty() ? "goes" : fmt::format("stays: {}", fmt::join(snapshot.reasons, ", ")));
  }
  return text + fmt::format("    {} stay, {} go\n", node.kept, node.deleted);
}

std::string kept_table(const std::vector<KeptSnapshot>& snapshots) {
  std::string text = fmt::format("{:<14}{:<21}{}\n", "SNAPSHOT", "RECEIVED", "STATE");
  for (const KeptSnapshot& snapshot : snapshots) {
    text += fmt::format("{:<14}{:<21}{}\n", short_id(snapshot.info.id), local_time(snapshot.info.received),
                        state_of(snapshot));
  }
  return text;
}

std::string stats_table(const std::vector<NodeStats>& nodes) {
  std::string text;
  for (const NodeStats& node : nodes) {
    text += fmt::format("{}: {} snapshots, {} deleted ones; its copy {}, stored {}\n",
                        printable_name(node.name), node.snapshots, node.deleted_snapshots,
                        format_bytes(node.copy_bytes), format_bytes(node.stored_bytes));
    text += fmt::format("    {:<10}{:>10}{:>14}{:>14}{:>14}\n", "UP TO", "SNAPSHOTS", "LOGICAL", "NEW",
                        "NEW, STORED");
    for (std::size_t i = 0; i < node.by_age.size(); ++i) {
      if (node.by_age[i].snapshots > 0) text += age_line(kAges[i], node.by_age[i]);
    }
    if (node.unreadable > 0) text += fmt::format("    {} snapshots can't be read\n", node.unreadable);
    text += fmt::format("    a prune would let {} go; an estimate of what that frees: {}\n",
                        node.prune_snapshots, format_bytes(node.prune_bytes_estimate));
  }
  return text;
}

}  // namespace rb::daemon
