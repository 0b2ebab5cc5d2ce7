// The JSON messages about histories: pruning, pins, undeletion, and how much there is (docs/protocol.md,
// "Messages"). Rules as in messages.h.
#pragma once

#include <string>
#include <vector>

#include "api/backend.h"

namespace rb::api {

std::string encode_prune_request(const PruneRequest& request);
Result<PruneRequest> decode_prune_request(ByteView text);
std::string encode_pruned(const std::vector<PrunedNode>& nodes);
Result<std::vector<PrunedNode>> decode_pruned(ByteView text);
std::string encode_pruned_node(const PrunedNode& node);  // as one line

// What an administrator says of one snapshot of one node; `snapshot` is an id, or the beginning of one.
struct SnapshotOrder {
  std::string node;
  std::string snapshot;  // empty: the message is about all of them
  bool pinned = false;
};
std::string encode_snapshot_order(const SnapshotOrder& order);
Result<SnapshotOrder> decode_snapshot_order(ByteView text);

std::string encode_kept_snapshots(const std::vector<KeptSnapshot>& snapshots);
Result<std::vector<KeptSnapshot>> decode_kept_snapshots(ByteView text);
std::string encode_kept_snapshot(const KeptSnapshot& snapshot);  // as one line

struct StatsAnswer {
  std::vector<NodeStats> nodes;
  DamagedCopies damaged;
};
std::string encode_stats(const StatsAnswer& stats);
Result<StatsAnswer> decode_stats(ByteView text);
std::string encode_node_stats(const NodeStats& node);  // as one line

// What a node says of one of its own.
struct PinOrder {
  SnapshotId snapshot;
  bool pinned = false;
};
std::string encode_pin_order(const PinOrder& order);
Result<PinOrder> decode_pin_order(ByteView text);

}  // namespace rb::api
