#include "api/history_messages.h"

#include <gtest/gtest.h>

namespace rb::api {
namespace {

SnapshotInfo info(std::uint64_t sequence) {
  SnapshotInfo out;
  out.sequence = sequence;
  out.received = {1'700'000'000, 5};
  out.id.bytes.fill(static_cast<std::uint8_t>(sequence));
  return out;
}

TEST(HistoryMessagesTest, Pruned) {
  const PrunedNode node{.name = "ana",
                        .policy = "daily=7",
                        .kept = 1,
                        .deleted = 1,
                        .snapshots = {{info(2), {"head", "daily 1"}}, {info(1), {}}}};
  const auto decoded = decode_pruned(as_bytes(encode_pruned({node, {}})));
  ASSERT_TRUE(decoded) << decoded.error().message;
  ASSERT_EQ(decoded->size(), 2u);
  const PrunedNode& ana = decoded->front();
  EXPECT_EQ(ana.name, "ana");
  EXPECT_EQ(ana.policy, "daily=7");
  EXPECT_EQ(ana.kept, 1u);
  ASSERT_EQ(ana.snapshots.size(), 2u);
  EXPECT_EQ(ana.snapshots[0].info, info(2));
  EXPECT_EQ(ana.snapshots[0].reasons, node.snapshots[0].reasons);
  EXPECT_TRUE(ana.snapshots[1].reasons.empty());
}

TEST(HistoryMessagesTest, KeptSnapshots) {
  KeptSnapshot deleted{.info = info(7), .pinned_by_node = true, .deleted = Timestamp{1, 2}};
  deleted.info.gone_after = Timestamp{3, 4};
  const auto decoded = decode_kept_snapshots(as_bytes(encode_kept_snapshots({deleted})));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->front().info, deleted.info);
  EXPECT_TRUE(decoded->front().pinned_by_node);
  EXPECT_FALSE(decoded->front().pinned_by_administrator);
  EXPECT_EQ(decoded->front().deleted, deleted.deleted);
  EXPECT_EQ(decoded->front().released, std::nullopt);
}

TEST(HistoryMessagesTest, Stats) {
  NodeStats node{.name = "ana", .snapshots = 9, .stored_bytes = UINT64_MAX};
  node.by_age[4] = {1, 2, 3, 4};
  const auto decoded = decode_stats(as_bytes(encode_stats({.nodes = {node}, .damaged = {5, UINT64_MAX}})));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->nodes.front().stored_bytes, UINT64_MAX);
  EXPECT_EQ(decoded->nodes.front().by_age[4].sent_bytes, 4u);
  EXPECT_EQ(decoded->damaged.files, 5u);
  EXPECT_EQ(decoded->damaged.bytes, UINT64_MAX);
}

TEST(HistoryMessagesTest, Orders) {
  const auto order = decode_snapshot_order(
      as_bytes(encode_snapshot_order({.node = "ana", .snapshot = "01ab", .pinned = true})));
  EXPECT_TRUE(order && order->node == "ana" && order->snapshot == "01ab" && order->pinned);
  const auto pin = decode_pin_order(as_bytes(encode_pin_order({info(3).id, true})));
  EXPECT_TRUE(pin && pin->snapshot == info(3).id && pin->pinned);
  const auto prune =
      decode_prune_request(as_bytes(encode_prune_request({.node = "n", .dry_run = true, .snapshots = true})));
  EXPECT_TRUE(prune && prune->node == "n" && prune->dry_run && prune->snapshots);
}

TEST(HistoryMessagesTest, ForeignTextIsRefused) {
  for (const char* text :
       {"", "[]", "{}", R"({"nodes":1})", R"({"nodes":[{}]})", R"({"snapshots":[1]})",
        R"({"node":1,"snapshot":"x","pinned":true})", R"({"snapshot":"zz","pinned":true})"}) {
    EXPECT_FALSE(decode_pruned(as_bytes(std::string_view(text)))) << text;
    EXPECT_FALSE(decode_kept_snapshots(as_bytes(std::string_view(text)))) << text;
    EXPECT_FALSE(decode_stats(as_bytes(std::string_view(text)))) << text;
    EXPECT_FALSE(decode_snapshot_order(as_bytes(std::string_view(text)))) << text;
    EXPECT_FALSE(decode_pin_order(as_bytes(std::string_view(text)))) << text;
  }
}

}  // namespace
}  // namespace rb::api
