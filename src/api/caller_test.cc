// Who may do what: the service in front of nodes, with and without credentials, over the network and on the
// machine.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "api/client_codec.h"
#include "api/errors.h"
#include "support/fake_registry.h"
#include "support/manual_clock.h"

namespace rb::api {
namespace {

using test::ManualClock;

class CallerTest : public testing::Test {
 protected:
  static Peer remote(const std::string& address = "192.0.2.7") {
    return {.local = false, .address = address};
  }
  static Peer local(std::uint32_t uid) {
    return {.uid = uid, .user = "u" + std::to_string(uid), .address = "unix"};
  }
  static Peer root() { return local(0); }

  // As the transport does it: the head is admitted first.
  Response send(const Peer& peer, Request request, const std::optional<Credential>& credential = {}) {
    if (credential) request.headers["authorization"] = encode_authorization(*credential);
    auto admitted = service_.admit(peer, request);
    if (!admitted) return std::move(admitted).error();
    return service_.handle(peer, request);
  }
  BeginAnswer begin(const Peer& peer, const std::optional<Credential>& credential = {}) {
    return parse_begin(send(peer, begin_request({.run = random_id<RunId>()}), credential)).value();
  }
  static Request plain(const char* method, const char* target) {
    Request request;
    request.method = method;
    request.target = target;
    return request;
  }
  static void expect_error(const Response& answer, int status, Errc code, std::string_view words = "") {
    EXPECT_EQ(answer.status, status);
    const Error error = decode_error(answer.status, answer.body);
    EXPECT_EQ(error.code, code);
    EXPECT_NE(error.message.find(words), std::string::npos) << error.message;
  }
  static std::string body_of(const Response& answer) { return std::string(as_text(answer.body)); }

  ManualClock clock_;
  test::FakeBackend backend_;
  Service service_{backend_, clock_, {}};
};

TEST_F(CallerTest, WithoutACredentialTheNetworkMaySayHelloOnly) {
  EXPECT_EQ(send(remote(), plain("GET", "/v1/server")).status, 200);
  for (const Request& request :
       {begin_request({}), nodes_request(), token_request(), keep_alive_request({}), ask_request({}, {}),
        commit_request({}, {}, {}), plain("GET", "/metrics"), plain("GET", "/healthz")}) {
    const Response answer = send(remote(), request);
    expect_error(answer, 401, Errc::denied, "rbbackup join");
    EXPECT_EQ(answer.headers.at("www-authenticate"), "Bearer");
    EXPECT_EQ(service_.handle(remote(), request).status, 401) << "also where nobody asked admit()";
  }
}

TEST_F(CallerTest, ABodyIsRefusedBeforeItIsRead) {
  auto refused = service_.admit(remote(), blocks_request({}, {}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 401);
  EXPECT_LE(service_.admit(remote(), join_request({}))->max_body_bytes, 4096u);
}

TEST_F(CallerTest, ACredentialIsANode) {
  const Credential ana = backend_.nodes.enrol("ana"), ben = backend_.nodes.enrol("ben");
  const BeginAnswer of_ana = begin(remote(), ana);
  EXPECT_EQ(of_ana.info.node, "1");
  EXPECT_EQ(begin(remote(), ben).info.node, "2") << "one address, two nodes";
  EXPECT_EQ(send(remote("203.0.113.9"), keep_alive_request(of_ana.session), ana).status, 200)
      << "one node, another address";
  EXPECT_EQ(service_.admit(remote(), plain("GET", "/v1/server"))->share, 0u);
  Request with_credential = begin_request({});
  with_credential.headers["authorization"] = encode_authorization(ana);
  EXPECT_EQ(service_.admit(remote(), with_credential)->share, 1u);
  EXPECT_NE(service_.admit(local(1), begin_request({}))->share, 1u) << "a uid is no node";
}

TEST_F(CallerTest, ASessionOfAnotherNodeDoesNotExist) {
  const Credential ana = backend_.nodes.enrol("ana"), ben = backend_.nodes.enrol("ben");
  const SessionKey session = begin(remote(), ana).session;
  const Response of_other = send(remote(), status_request(session), ben);
  const Response of_none = send(remote(), status_request(random_id<SessionKey>()), ben);
  EXPECT_EQ(of_other.status, of_none.status);
  EXPECT_EQ(body_of(of_other), body_of(of_none));
  EXPECT_EQ(send(remote(), end_request(session), ben).status, 410);
  EXPECT_EQ(send(remote(), status_request(session), ana).status, 200) << "and it goes on";
}

TEST_F(CallerTest, RemovalBitesInTheMiddleOfASession) {
  const Credential ana = backend_.nodes.enrol("ana");
  const SessionKey session = begin(remote(), ana).session;
  ASSERT_EQ(send(root(), removal_request("ana")).status, 204);
  expect_error(send(remote(), keep_alive_request(session), ana), 401, Errc::denied, "removed");
}

TEST_F(CallerTest, TheKernelsWordNeedsNoCredential) {
  EXPECT_EQ(begin(local(7)).info.node, "1007");
  expect_error(send(local(65534), begin_request({})), 403, Errc::denied);
  const Credential ana = backend_.nodes.enrol("ana");
  EXPECT_EQ(begin(local(7), ana).info.node, "1007") << "and none changes it";
}

TEST_F(CallerTest, TheAddressIsTheTransportsToSay) {
  const Credential ana = backend_.nodes.enrol("ana");
  BeginRequest request;
  request.client_address = "10.0.0.1";
  request.boot_id = "b";
  request.client_version = "1.2";
  EXPECT_EQ(send(remote("203.0.113.9"), begin_request(request), ana).status, 201);
  EXPECT_EQ(backend_.last_begin.client_address, "203.0.113.9");
  EXPECT_EQ(backend_.last_begin.boot_id + backend_.last_begin.client_version, "b1.2");
  begin(local(7));
  EXPECT_EQ(backend_.last_begin.client_address, "local");
}

TEST_F(CallerTest, TheNextKeyIsAnnouncedAtEachBegin) {
  EXPECT_EQ(begin(root()).next_key, std::nullopt);
  backend_.next_pin = random_id<KeyPin>();
  EXPECT_EQ(begin(root()).next_key, backend_.next_pin);
}

TEST_F(CallerTest, AKeyIsAnnouncedThenUsed) {
  EXPECT_EQ(parse_key(send(root(), switch_key_request())).error().code, Errc::not_found);
  const KeyPin next = parse_key(send(root(), next_key_request())).value();
  EXPECT_EQ(parse_key(send(root(), next_key_request())), next) << "not another one";
  EXPECT_EQ(begin(root()).next_key, next);
  EXPECT_EQ(parse_key(send(root(), switch_key_request())), next);
  EXPECT_EQ(begin(root()).next_key, std::nullopt);
}

TEST_F(CallerTest, HelloSaysWhichRepositoryThisIs) {
  EXPECT_EQ(parse_hello(send(remote(), hello_request()))->repository, backend_.id);
}

TEST_F(CallerTest, AnInvitationIsRedeemedOnce) {
  const auto invited =
      parse_invitation(send(root(), invitation_request({{.node = "ana", .group = "g"}, ""})));
  ASSERT_TRUE(invited) << invited.error().message;
  const JoinLink link = decode_join_link(invited->link).value();
  EXPECT_EQ(link.address, "server.example:8420");
  EXPECT_EQ(link.node, "ana");
  const Credential credential = test::FakeRegistry::fresh();
  const auto joined = parse_join(send(remote(), join_request({link.invitation, credential})));
  ASSERT_TRUE(joined) << joined.error().message;
  EXPECT_EQ(joined->node, "ana");
  EXPECT_EQ(joined->group, "g");
  EXPECT_EQ(begin(remote(), credential).info.node, "1");
  expect_error(send(remote(), join_request({link.invitation, test::FakeRegistry::fresh()})), 403,
               Errc::denied, "no such invitation");
}

TEST_F(CallerTest, ALinkLeadsWhereItIsTold) {
  const auto invited = parse_invitation(send(root(), invitation_request({{.node = "ana"}, "[::1]:9"})));
  EXPECT_EQ(decode_join_link(invited->link)->address, "[::1]:9");
  backend_.pin.reset();
  expect_error(send(root(), invitation_request({{.node = "ben"}, ""})), 501, Errc::unsupported, "listens");
}

TEST_F(CallerTest, OnlyAdministratorsAdminister) {
  const Credential ana = backend_.nodes.enrol("ana");
  const std::vector<Request> requests = {nodes_request(),          invitation_request({{.node = "eve"}, ""}),
                                         removal_request("ana"),   next_key_request(),
                                         switch_key_request(),     renaming_request({"ana", "eve"}),
                                         token_request(),          tokens_request(),
                                         plain("GET", "/healthz"), plain("GET", "/metrics")};
  for (const Request& request : requests) {
    expect_error(send(remote(), request, ana), 403, Errc::denied, "administrator");
    expect_error(send(local(7), request), 403, Errc::denied, "administrator");
  }
  EXPECT_EQ(backend_.nodes.nodes()->size(), 1u);
  const Credential token = parse_token(send(root(), token_request()))->credential;
  for (const Request& request : requests)
    EXPECT_LT(send(remote(), request, token).status, 300) << request.target;
  EXPECT_EQ(backend_.nodes.at("eve").node, 1u);
  expect_error(send(remote(), begin_request({}), token), 403, Errc::denied, "no node");
}

TEST_F(CallerTest, ARevokedTokenIsRefusedWithItsNextRequest) {
  const auto kept = parse_token(send(root(), token_request("kept"))).value();
  const auto gone = parse_token(send(root(), token_request("gone"))).value();
  EXPECT_EQ(parse_token(send(root(), plain("POST", "/v1/administrator-tokens")))->name, "unnamed");
  EXPECT_EQ(send(remote(), tokens_request(), gone.credential).status, 200);
  const std::string id = to_hex(gone.credential.id);
  const Credential ana = backend_.nodes.enrol("ana");
  expect_error(send(remote(), revocation_request(id), ana), 403, Errc::denied, "administrator");
  expect_error(send(local(7), revocation_request(id)), 403, Errc::denied, "administrator");
  EXPECT_EQ(parse_revocation(send(root(), revocation_request(id)))->name, "gone");
  expect_error(send(remote(), tokens_request(), gone.credential), 401, Errc::denied, "unknown");
  expect_error(send(root(), revocation_request(id)), 404, Errc::not_found, "no such token");
  const auto tokens = parse_tokens(send(remote(), tokens_request(), kept.credential)).value();
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(tokens[0].id, kept.credential.id);
  EXPECT_EQ(tokens[0].name, "kept");
}

TEST_F(CallerTest, NodesAreListedRenamedAndRemoved) {
  backend_.nodes.enrol("ana");
  backend_.nodes.enrol("ben");
  EXPECT_TRUE(parse_done(send(root(), renaming_request({"ana", "anna"}))));
  EXPECT_EQ(parse_done(send(root(), renaming_request({"anna", "ben"}))).error().code, Errc::conflict);
  EXPECT_EQ(parse_done(send(root(), removal_request("ana"))).error().code, Errc::not_found);
  const auto nodes = parse_nodes(send(root(), nodes_request())).value();
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_EQ(nodes[0].name, "anna");
}

TEST_F(CallerTest, GuessingIsSlowedDown) {
  const Credential ana = backend_.nodes.enrol("ana"), ben = backend_.nodes.enrol("ben");
  begin(remote(), ana);
  Credential guess = ana;
  guess.secret = random_id<SecretKey>();
  int refused = 0;
  Response answer;
  for (int i = 0; i < 100 && refused < 100; ++i, ++refused) {
    answer = send(remote(), nodes_request(), guess);
    if (answer.status != 401) break;
  }
  EXPECT_EQ(refused, 10);
  expect_error(answer, 429, Errc::busy);
  EXPECT_GE(std::stoi(answer.headers.at("retry-after")), 1);
  expect_error(send(remote(), join_request({guess, guess})), 429, Errc::busy);
  EXPECT_EQ(send(remote(), begin_request({}), ben).status, 429) << "who was never right here has to wait";
  EXPECT_EQ(send(remote(), begin_request({}), ana).status, 201) << "who was right before has not";
  EXPECT_EQ(send(remote("203.0.113.9"), begin_request({}), ben).status, 201) << "and no other address";
  clock_.now += std::chrono::minutes(5);
  EXPECT_EQ(send(remote(), nodes_request(), guess).status, 401);
}

TEST_F(CallerTest, GuessingFromEverywhereLocksNobodyOut) {
  const Credential ana = backend_.nodes.enrol("ana");
  const Credential guess = test::FakeRegistry::fresh();
  int slowed = 0;
  for (int i = 0; i < 1000; ++i)
    slowed += send(remote("198.51.100." + std::to_string(i)), nodes_request(), guess).status == 429;
  EXPECT_GT(slowed, 500);
  EXPECT_EQ(send(remote(), begin_request({}), ana).status, 201);
}

TEST_F(CallerTest, NothingThatWasShownIsRepeated) {
  const Credential guess = test::FakeRegistry::fresh();
  const std::string secret = to_hex(guess.secret);
  const Response refused = send(remote(), begin_request({}), guess);
  EXPECT_EQ(body_of(refused).find(secret.substr(0, 8)), std::string::npos);
  const Response not_joined = send(remote(), join_request({guess, guess}));
  EXPECT_EQ(body_of(not_joined).find(secret.substr(0, 8)), std::string::npos);
}

TEST_F(CallerTest, WhatIsNoCredentialIsRefused) {
  EXPECT_TRUE(rc::check([&](const std::string& value) {
    Request request = begin_request({});
    request.headers["authorization"] = value;
    const int status = service_.handle(remote(), request).status;
    RC_ASSERT(status == 401 || status == 429);
  }));
}

TEST_F(CallerTest, HealthSaysWhetherAnythingCanBeStored) {
  EXPECT_EQ(send(root(), plain("GET", "/healthz")).status, 200);
  backend_.current.read_only = true;
  backend_.current.read_only_reason = "the journals differ";
  const Response answer = send(root(), plain("GET", "/healthz"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(body_of(answer).find("the journals differ"), std::string::npos);
}

TEST_F(CallerTest, MetricsCountErrorsByTheirCode) {
  send(remote(), begin_request({}));
  send(local(7), nodes_request());
  const Response answer = send(root(), plain("GET", "/metrics"));
  EXPECT_EQ(answer.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(body_of(answer).find("rbbackup_errors_total{code=\"denied\"} 2\n"), std::string::npos)
      << body_of(answer);
}

}  // namespace
}  // namespace rb::api
