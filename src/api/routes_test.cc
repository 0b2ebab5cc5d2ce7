#include "api/routes.h"

#include <gtest/gtest.h>

namespace rb::api {
namespace {

const std::string kKey = "000102030405060708090a0b0c0d0e0f";

void check_kind(const char* method, const std::string& target, RouteKind kind) {
  const auto route = find_route(method, target);
  ASSERT_TRUE(route) << method << " " << target;
  EXPECT_EQ(static_cast<int>(route->kind), static_cast<int>(kind)) << target;
}

TEST(RoutesTest, EveryResourceIsFound) {
  check_kind("GET", "/v1/server", RouteKind::hello);
  check_kind("POST", "/v1/nodes/self/sessions", RouteKind::begin);
  check_kind("PUT", "/v1/nodes/self/head", RouteKind::commit);
  check_kind("GET", "/v1/sessions/" + kKey, RouteKind::session_state);
  check_kind("DELETE", "/v1/sessions/" + kKey, RouteKind::end);
  check_kind("POST", "/v1/sessions/" + kKey + "/ask", RouteKind::ask);
  check_kind("POST", "/v1/sessions/" + kKey + "/blocks", RouteKind::blocks);
  check_kind("POST", "/v1/sessions/" + kKey + "/objects", RouteKind::objects);
  check_kind("GET", "/v1/sessions/" + kKey + "/snapshots?before=3&limit=9", RouteKind::snapshots);
  check_kind("GET", "/v1/sessions/" + kKey + "/status", RouteKind::status);
  check_kind("POST", "/v1/join", RouteKind::join);
  check_kind("GET", "/v1/nodes", RouteKind::nodes);
  check_kind("POST", "/v1/invitations", RouteKind::invite);
  check_kind("POST", "/v1/nodes/remove", RouteKind::remove);
  check_kind("POST", "/v1/nodes/rename", RouteKind::rename);
  check_kind("POST", "/v1/administrator-tokens", RouteKind::token);
  check_kind("GET", "/v1/administrator-tokens", RouteKind::tokens);
  check_kind("POST", "/v1/administrator-tokens/revoke", RouteKind::revoke_token);
  check_kind("POST", "/v1/keys/next", RouteKind::next_key);
  check_kind("POST", "/v1/keys/switch", RouteKind::switch_key);
  check_kind("GET", "/healthz", RouteKind::health);
  check_kind("GET", "/metrics", RouteKind::metrics);
}

TEST(RoutesTest, OnlyHelloAndJoinAreForEverybody) {
  for (int kind = 0; kind <= static_cast<int>(RouteKind::metrics); ++kind) {
    const RouteKind route = static_cast<RouteKind>(kind);
    const bool open = route == RouteKind::hello || route == RouteKind::join;
    EXPECT_EQ(access_of(route) == RouteAccess::anybody, open) << kind;
    EXPECT_TRUE(!open || max_body_bytes(route) <= 4096) << kind;
  }
}

TEST(RoutesTest, TheKeyAndTheQueryAreRead) {
  const auto route = find_route("GET", "/v1/sessions/" + kKey + "/snapshots?before=3&&limit=&x&limit=7");
  ASSERT_TRUE(route);
  EXPECT_EQ(to_hex(route->session), kKey);
  EXPECT_EQ(route->query, (std::map<std::string, std::string>{{"before", "3"}, {"limit", ""}}));
}

TEST(RoutesTest, WhatIsNotThereIs404) {
  for (const std::string& target :
       {std::string("/"), std::string(""), std::string("/v1"), std::string("/v2/server"), std::string("*"),
        std::string("/v1/server/"), std::string("/v1/sessions/short"), "/v1/sessions/" + kKey + "0",
        "/v1/sessions/" + kKey + "/nothing", std::string("/v1/sessions/zz0102030405060708090a0b0c0d0e0f"),
        std::string("/v1/nodes/other/head"), std::string("http://localhost/v1/server"),
        "/v1/sessions/../" + kKey}) {
    const auto route = find_route("GET", target);
    ASSERT_FALSE(route) << target;
    EXPECT_EQ(route.error().status, 404) << target;
  }
}

TEST(RoutesTest, AnotherMethodIs405AndSaysWhichAreTaken) {
  const auto route = find_route("PATCH", "/v1/sessions/" + kKey);
  ASSERT_FALSE(route);
  EXPECT_EQ(route.error().status, 405);
  EXPECT_EQ(route.error().headers.at("allow"), "GET, DELETE");
}

TEST(RoutesTest, StreamPositionsAreStrict) {
  for (const StreamPosition& position :
       {StreamPosition{}, StreamPosition{true, 0}, StreamPosition{true, 77}}) {
    EXPECT_EQ(decode_stream_position(encode_stream_position(position)), position);
  }
  for (const char* text :
       {"", "meta", "meta; seq=", "meta; seq=-1", "meta; seq=1x", "data; seq=1", "Data",
        "meta; seq=18446744073709551615", "meta; seq=99999999999999999999", "data, data"}) {
    EXPECT_FALSE(decode_stream_position(text)) << text;
  }
}

}  // namespace
}  // namespace rb::api
