// Redeeming an invitation, and asking for a server's key.
#include "net/remote_join.h"

#include <gtest/gtest.h>

#include "net/remote_key.h"
#include "support/tls_fixture.h"

namespace rb::net {
namespace {

using test::FakeRegistry;
using test::TlsServed;

api::JoinLink link_for(TlsServed& served, const std::string& node) {
  const auto invitation = served.backend.nodes.invite({.node = node, .group = "lab"});
  EXPECT_TRUE(invitation);
  return {.address = served.address(), .node = node, .pin = served.pin(), .invitation = invitation->secret};
}

TEST(RemoteJoinTest, GivesANodeItsCredential) {
  TlsServed served;
  const Credential drawn = FakeRegistry::fresh();
  const auto joined = remote_join(link_for(served, "ana"), drawn, {});
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->node, "ana");
  EXPECT_EQ(joined->group, "lab");
  EXPECT_FALSE(joined->has_history);
  EXPECT_TRUE(served.backend.nodes.authenticate(drawn));
}

TEST(RemoteJoinTest, GoesWhereTheLinkLeadsAndTrustsWhatItPins) {
  TlsServed served;
  RemoteOptions elsewhere;
  elsewhere.socket_path = "/nowhere";
  elsewhere.address = "127.0.0.1:1";
  elsewhere.pins = {random_id<api::KeyPin>()};
  elsewhere.credential = FakeRegistry::fresh();
  EXPECT_TRUE(remote_join(link_for(served, "ana"), FakeRegistry::fresh(), elsewhere));
}

TEST(RemoteJoinTest, AServerWithAnotherKeyDoesNotLearnTheInvitation) {
  TlsServed served;
  api::JoinLink link = link_for(served, "ana");
  link.pin = random_id<api::KeyPin>();
  const auto refused = remote_join(link, FakeRegistry::fresh(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  link.pin = served.pin();
  EXPECT_TRUE(remote_join(link, FakeRegistry::fresh(), {})) << "it was not used up";
}

TEST(RemoteJoinTest, ARefusalIsFinalAndSaysWhy) {
  TlsServed served;
  api::JoinLink link = link_for(served, "ana");
  link.invitation.secret = {};
  const auto refused = remote_join(link, FakeRegistry::fresh(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_NE(refused.error().message.find("no such invitation"), std::string::npos);
}

TEST(RemoteJoinTest, AServerThatIsNotThereIsSaidAtOnce) {
  api::JoinLink link{.address = "127.0.0.1:1", .node = "ana", .pin = random_id<api::KeyPin>()};
  link.invitation = FakeRegistry::fresh();
  const auto joined = remote_join(link, FakeRegistry::fresh(), {});
  ASSERT_FALSE(joined);
  EXPECT_EQ(joined.error().code, Errc::unavailable);
  EXPECT_NE(joined.error().message.find(link.address), std::string::npos);
}

TEST(RemoteKeyTest, SaysWhichKeyAServerHas) {
  TlsServed served;
  EXPECT_TRUE(server_has_key(served.address(), served.pin()).value());
  EXPECT_FALSE(server_has_key(served.address(), random_id<api::KeyPin>()).value());
  const std::string address = served.address();
  const api::KeyPin pin = served.pin();
  served.stop();
  const auto unknown = server_has_key(address, pin);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::unavailable);
}

}  // namespace
}  // namespace rb::net
