#include "api/node_messages.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/random.h"

namespace rb::api {
namespace {

Credential fresh() {
  return {random_id<CredentialId>(), random_id<SecretKey>()};
}

NodeOverview sample_node() {
  NodeOverview node;
  node.node = 7;
  node.name = "ana-laptop";
  node.group = "family";
  node.uid = 1000;
  node.revoked = true;
  node.invited = true;
  node.last_backup = SnapshotInfo{.sequence = 4, .received = {1'700'000'000, 5}};
  node.snapshot_count = 3;
  node.logical_bytes = UINT64_MAX;
  node.stored_bytes = 12;
  node.last_address = "192.0.2.7";
  node.client_version = "0.1.0";
  node.last_seen = Timestamp{1'700'000'001, 0};
  node.cloned = true;
  return node;
}

void expect_same(const NodeOverview& a, const NodeOverview& b) {
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.group, b.group);
  EXPECT_EQ(a.uid, b.uid);
  EXPECT_EQ(a.revoked, b.revoked);
  EXPECT_EQ(a.invited, b.invited);
  EXPECT_EQ(a.last_backup, b.last_backup);
  EXPECT_EQ(a.snapshot_count, b.snapshot_count);
  EXPECT_EQ(a.logical_bytes, b.logical_bytes);
  EXPECT_EQ(a.stored_bytes, b.stored_bytes);
  EXPECT_EQ(a.last_address, b.last_address);
  EXPECT_EQ(a.client_version, b.client_version);
  EXPECT_EQ(a.last_seen, b.last_seen);
  EXPECT_EQ(a.cloned, b.cloned);
}

TEST(NodeMessagesTest, JoiningSurvivesTheWire) {
  const JoinRequest request{fresh(), fresh()};
  const JoinRequest back = decode_join_request(as_bytes(encode_join_request(request))).value();
  EXPECT_EQ(back.invitation, request.invitation);
  EXPECT_EQ(back.credential, request.credential);
  const JoinAnswer answer{"ana-laptop", "family", true};
  const JoinAnswer answer_back = decode_join_answer(as_bytes(encode_join_answer(answer))).value();
  EXPECT_EQ(answer_back.node, answer.node);
  EXPECT_EQ(answer_back.group, answer.group);
  EXPECT_TRUE(answer_back.has_history);
}

TEST(NodeMessagesTest, InvitationsSurviveTheWire) {
  const InvitationOrder order{{"n", "g", std::chrono::hours(2)}, "host:1"};
  const InvitationOrder back = decode_invitation_order(as_bytes(encode_invitation_order(order))).value();
  EXPECT_EQ(back.invitation.node, "n");
  EXPECT_EQ(back.invitation.group, "g");
  EXPECT_EQ(back.invitation.lifetime, std::chrono::hours(2));
  EXPECT_EQ(back.address, "host:1");
  const InvitationAnswer answer{"rbbackup://x", "n", "", {1'700'000'000, 1}, true};
  const InvitationAnswer answer_back =
      decode_invitation_answer(as_bytes(encode_invitation_answer(answer))).value();
  EXPECT_EQ(answer_back.link, answer.link);
  EXPECT_EQ(answer_back.expires, answer.expires);
  EXPECT_TRUE(answer_back.replaces);
}

TEST(NodeMessagesTest, AnOrderNeedsANodeOnly) {
  const InvitationOrder order = decode_invitation_order(as_bytes(R"({"node":"n"})")).value();
  EXPECT_EQ(order.invitation.lifetime, std::chrono::hours(1));
  EXPECT_EQ(order.invitation.group + order.address, "");
  for (const char* text :
       {"{}", R"({"node":5})", R"({"node":"n","group":1})", R"({"node":"n","lifetime_seconds":0})",
        R"({"node":"n","lifetime_seconds":-5})", R"({"node":"n","lifetime_seconds":99999999999999})"}) {
    EXPECT_EQ(decode_invitation_order(as_bytes(text)).error().code, Errc::protocol) << text;
  }
}

TEST(NodeMessagesTest, NodesSurviveTheWire) {
  const std::vector<NodeOverview> nodes = {sample_node(), NodeOverview{.name = "bare"}};
  const auto back = decode_nodes(as_bytes(encode_nodes(nodes))).value();
  ASSERT_EQ(back.size(), 2u);
  expect_same(back[0], nodes[0]);
  expect_same(back[1], nodes[1]);
  EXPECT_EQ(decode_nodes(as_bytes(encode_nodes({})))->size(), 0u);
  EXPECT_FALSE(decode_nodes(as_bytes(R"({"nodes":[5]})")));
  EXPECT_FALSE(decode_nodes(as_bytes(R"({"nodes":{}})")));
}

TEST(NodeMessagesTest, TheRestSurvivesTheWire) {
  EXPECT_EQ(decode_removal(as_bytes(encode_removal("n"))), "n");
  const Renaming renaming = decode_renaming(as_bytes(encode_renaming({"a", "b"}))).value();
  EXPECT_EQ(renaming.from + ">" + renaming.to, "a>b");
  const KeyPin pin = random_id<KeyPin>();
  EXPECT_EQ(decode_key_pin(as_bytes(encode_key_pin(pin))), pin);
}

TEST(NodeMessagesTest, TokensSurviveTheWire) {
  const AdministratorToken token{fresh(), "grafana"};
  EXPECT_EQ(decode_token(as_bytes(encode_token(token))), token);
  EXPECT_EQ(decode_token_order(as_bytes(encode_token_order("grafana"))), "grafana");
  EXPECT_EQ(decode_token_order({}), "") << "a body is not needed";
  EXPECT_EQ(decode_token_order(as_bytes("{}")), "");
  EXPECT_FALSE(decode_token_order(as_bytes(R"({"name":5})")));
  EXPECT_EQ(decode_revocation(as_bytes(encode_revocation("0f"))), "0f");
  const std::vector<TokenOverview> tokens = {
      {token.credential.id, "grafana", {1'700'000'000, 5}, Timestamp{1'700'000'001, 0}},
      {random_id<CredentialId>(), "never used", {-1, 0}, {}}};
  EXPECT_EQ(decode_tokens(as_bytes(encode_tokens(tokens))), tokens);
  EXPECT_EQ(decode_token_overview(as_bytes(encode_token_overview(tokens[0]))), tokens[0]);
  for (const char* text : {R"({"tokens":5})", R"({"tokens":[{}]})",
                           R"({"tokens":[{"id":"00","name":"n","made":{"seconds":0,"nanoseconds":0}}]})"}) {
    EXPECT_FALSE(decode_tokens(as_bytes(text))) << text;
  }
}

TEST(NodeMessagesTest, NoErrorRepeatsASecret) {
  const Credential secret = fresh();
  std::string text = encode_join_request({secret, secret});
  text.erase(text.size() - 3, 1);  // the last digit
  const auto decoded = decode_join_request(as_bytes(text));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().message.find(to_hex(secret.secret).substr(0, 8)), std::string::npos);
}

TEST(NodeMessagesTest, AnyBytesAreSurvived) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    const ByteView bytes = as_bytes(text);
    RC_ASSERT(!decode_join_request(bytes) && !decode_join_answer(bytes) && !decode_invitation_order(bytes));
    RC_ASSERT(!decode_nodes(bytes) && !decode_removal(bytes) && !decode_renaming(bytes) &&
              !decode_token(bytes));
    RC_ASSERT(!decode_token_overview(bytes) && !decode_tokens(bytes) && !decode_revocation(bytes));
  }));
  const std::string good = encode_nodes({sample_node()});
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(decode_nodes(as_bytes(good.substr(0, i))));
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    (void)decode_nodes(as_bytes(flipped));  // must come back, whatever it says
  }
}

}  // namespace
}  // namespace rb::api
