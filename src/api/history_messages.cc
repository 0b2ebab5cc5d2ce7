#include "api/history_messages.h"

#include "api/json_fields.h"

namespace rb::api {

namespace {

json time_or_null(const std::optional<Timestamp>& time) {
  return time ? to_json(*time) : json(nullptr);
}

Result<std::optional<Timestamp>> optional_time(Fields& fields, const char* name) {
  const json* value = fields.optional_child(name);
  if (value == nullptr) return std::nullopt;
  RB_TRY(const Timestamp time, timestamp_from(*value));
  return time;
}

json to_json(const JudgedSnapshot& snapshot) {
  json out = api::to_json(snapshot.info);
  out["keep"] = snapshot.reasons;
  return out;
}

json to_json(const PrunedNode& node) {
  json snapshots = json::array();
  for (const JudgedSnapshot& snapshot : node.snapshots)
    snapshots.push_back(to_json(snapshot));
  return {{"node", node.name},
          {"policy", node.policy},
          {"kept", node.kept},
          {"deleted", node.deleted},
          {"snapshots", std::move(snapshots)}};
}

Result<JudgedSnapshot> judged_from(const json& value) {
  JudgedSnapshot snapshot;
  RB_TRY(snapshot.info, snapshot_from(value));
  Fields fields(value);
  for (const json& reason : fields.array("keep")) {
    if (!reason.is_string()) fields.complain("keep", "a list of strings");
    if (reason.is_string()) snapshot.reasons.push_back(reason.get<std::string>());
  }
  RB_TRY(fields.status());
  return snapshot;
}

Result<PrunedNode> pruned_from(const json& value) {
  Fields fields(value);
  PrunedNode node;
  node.name = fields.text("node");
  node.policy = fields.text("policy");
  node.kept = fields.number("kept");
  node.deleted = fields.number("deleted");
  for (const json& item : fields.array("snapshots")) {
    RB_TRY(JudgedSnapshot snapshot, judged_from(item));
    node.snapshots.push_back(std::move(snapshot));
  }
  RB_TRY(fields.status());
  return node;
}

json to_json(const KeptSnapshot& snapshot) {
  json out = api::to_json(snapshot.info);
  out["pinned_by_administrator"] = snapshot.pinned_by_administrator;
  out["pinned_by_node"] = snapshot.pinned_by_node;
  out["released"] = time_or_null(snapshot.released);
  out["deleted"] = time_or_null(snapshot.deleted);
  return out;
}

Result<KeptSnapshot> kept_from(const json& value) {
  KeptSnapshot snapshot;
  RB_TRY(snapshot.info, snapshot_from(value));
  Fields fields(value);
  snapshot.pinned_by_administrator = fields.flag("pinned_by_administrator");
  snapshot.pinned_by_node = fields.flag("pinned_by_node");
  RB_TRY(fields.status());
  RB_TRY(snapshot.released, optional_time(fields, "released"));
  RB_TRY(snapshot.deleted, optional_time(fields, "deleted"));
  return snapshot;
}

json to_json(const NodeStats& node) {
  json ages = json::array();
  for (const AgeStats& age : node.by_age) {
    ages.push_back({{"snapshots", age.snapshots},
                    {"logical_bytes", age.logical_bytes},
                    {"deduplicated_bytes", age.deduplicated_bytes},
                    {"sent_bytes", age.sent_bytes}});
  }
  return {{"node", node.name},
          {"snapshots", node.snapshots},
          {"deleted_snapshots", node.deleted_snapshots},
          {"copy_bytes", node.copy_bytes},
          {"stored_bytes", node.stored_bytes},
          {"by_age", std::move(ages)},
          {"unreadable", node.unreadable},
          {"prune_snapshots", node.prune_snapshots},
          {"prune_bytes_estimate", node.prune_bytes_estimate}};
}

Result<NodeStats> stats_from(const json& value) {
  Fields fields(value);
  NodeStats node;
  node.name = fields.text("node");
  node.snapshots = fields.number("snapshots");
  node.deleted_snapshots = fields.number("deleted_snapshots");
  node.copy_bytes = fields.number("copy_bytes");
  node.stored_bytes = fields.number("stored_bytes");
  node.unreadable = fields.number("unreadable");
  node.prune_snapshots = fields.number("prune_snapshots");
  node.prune_bytes_estimate = fields.number("prune_bytes_estimate");
  const json& ages = fields.array("by_age");
  if (ages.size() != node.by_age.size()) fields.complain("by_age", "a list of five");
  RB_TRY(fields.status());
  for (std::size_t i = 0; i < node.by_age.size(); ++i) {
    Fields age(ages[i]);
    node.by_age[i] = {age.number("snapshots"), age.number("logical_bytes"), age.number("deduplicated_bytes"),
                      age.number("sent_bytes")};
    RB_TRY(age.status());
  }
  return node;
}

template <typename Item>
std::string encode_list(const char* name, const std::vector<Item>& items) {
  json list = json::array();
  for (const Item& item : items)
    list.push_back(to_json(item));
  return dump({{name, std::move(list)}});
}

template <typename Item>
Result<std::vector<Item>> decode_list(const char* name, ByteView text,
                                      Result<Item> (*item_from)(const json&)) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  std::vector<Item> items;
  for (const json& item : fields.array(name)) {
    RB_TRY(Item decoded, item_from(item));
    items.push_back(std::move(decoded));
  }
  RB_TRY(fields.status());
  return items;
}

}  // namespace

std::string encode_prune_request(const PruneRequest& request) {
  return dump({{"node", request.node}, {"dry_run", request.dry_run}, {"snapshots", request.snapshots}});
}

Result<PruneRequest> decode_prune_request(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  PruneRequest request{fields.optional_text("node"), fields.flag("dry_run"), fields.flag("snapshots")};
  RB_TRY(fields.status());
  return request;
}

std::string encode_pruned(const std::vector<PrunedNode>& nodes) {
  return encode_list("nodes", nodes);
}
Result<std::vector<PrunedNode>> decode_pruned(ByteView text) {
  return decode_list("nodes", text, pruned_from);
}
std::string encode_pruned_node(const PrunedNode& node) {
  return dump(to_json(node));
}

std::string encode_snapshot_order(const SnapshotOrder& order) {
  return dump({{"node", order.node}, {"snapshot", order.snapshot}, {"pinned", order.pinned}});
}

Result<SnapshotOrder> decode_snapshot_order(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  SnapshotOrder order{fields.text("node"), fields.text("snapshot"), fields.flag("pinned")};
  RB_TRY(fields.status());
  return order;
}

std::string encode_kept_snapshots(const std::vector<KeptSnapshot>& snapshots) {
  return encode_list("snapshots", snapshots);
}
Result<std::vector<KeptSnapshot>> decode_kept_snapshots(ByteView text) {
  return decode_list("snapshots", text, kept_from);
}
std::string encode_kept_snapshot(const KeptSnapshot& snapshot) {
  return dump(to_json(snapshot));
}

std::string encode_stats(const StatsAnswer& stats) {
  json nodes = json::array();
  for (const NodeStats& node : stats.nodes)
    nodes.push_back(to_json(node));
  return dump({{"nodes", std::move(nodes)},
               {"damaged_copies", stats.damaged.files},
               {"damaged_copy_bytes", stats.damaged.bytes}});
}
Result<StatsAnswer> decode_stats(ByteView text) {
  StatsAnswer stats;
  RB_TRY(stats.nodes, decode_list("nodes", text, stats_from));
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  stats.damaged.files = fields.number("damaged_copies");
  stats.damaged.bytes = fields.number("damaged_copy_bytes");
  RB_TRY(fields.status());
  return stats;
}
std::string encode_node_stats(const NodeStats& node) {
  return dump(to_json(node));
}

std::string encode_pin_order(const PinOrder& order) {
  return dump({{"snapshot", to_hex(order.snapshot)}, {"pinned", order.pinned}});
}

Result<PinOrder> decode_pin_order(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  const PinOrder order{fields.id<SnapshotId>("snapshot"), fields.flag("pinned")};
  RB_TRY(fields.status());
  return order;
}

}  // namespace rb::api
