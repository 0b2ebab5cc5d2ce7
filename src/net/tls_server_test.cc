// The server over TLS, against clients that are slow, broken, hostile or many.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "api/client_codec.h"
#include "net/tls_context.h"
#include "support/tls_fixture.h"

namespace rb::net {
namespace {

using std::chrono::milliseconds;
using test::RawClient;
using test::status_of;
using test::TlsClient;
using test::TlsServed;

const std::string kTlsHello = "GET /v1/server HTTP/1.1\r\nHost: h\r\n\r\n";

std::string tls_begin_text(const Credential& credential) {
  BeginRequest wanted;
  wanted.run = random_id<RunId>();
  const std::string body = api::encode_begin(wanted);
  return "POST /v1/nodes/self/sessions HTTP/1.1\r\nHost: h\r\nAuthorization: " +
         api::encode_authorization(credential) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

template <typename Client>
int hello_status(Client& client) {
  return client.send(kTlsHello) ? status_of(client.answer()) : 0;
}

void check_still_serving(TlsServed& served) {
  TlsClient client(served.port());
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(hello_status(client), 200);
}

// Until something that another thread does soon has happened.
template <typename Condition>
bool eventually(Condition condition) {
  for (int i = 0; i < 2000; i++) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

TEST(TlsServerTest, SpeaksTls13WithASuiteThatIsFastHere) {
  TlsServed served;
  TlsClient client(served.port());
  ASSERT_TRUE(client.connected());
  const std::string preferred = preferred_cipher_suites();
  EXPECT_TRUE(preferred.starts_with(client.cipher())) << client.cipher();
  EXPECT_EQ(hello_status(client), 200);
  EXPECT_EQ(hello_status(client), 200) << "on the same connection";
}

TEST(TlsServerTest, AnOlderTlsIsRefused) {
  TlsServed served;
  EXPECT_FALSE(TlsClient(served.port(), TLS1_2_VERSION).connected());
  EXPECT_TRUE(eventually([&] { return served.server->stats().handshakes_failed == 1; }));
  check_still_serving(served);
}

TEST(TlsServerTest, PlainHttpIsRefusedWithoutAnAnswer) {
  TlsServed served;
  RawClient client(served.port());
  ASSERT_TRUE(client.send(kTlsHello));
  const std::string answer = client.rest();
  EXPECT_EQ(answer.find("HTTP"), std::string::npos);
  check_still_serving(served);
}

TEST(TlsServerTest, GarbageAndCutHandshakesDoNoHarm) {
  TlsServed served;
  for (const std::string& text : {std::string("\x16\x03\x01", 3), std::string(5000, '\xff'),
                                  std::string("\x16\x03\x01\xff\xff\x01\x00\xff\xff", 9), std::string()}) {
    RawClient client(served.port());
    (void)client.send(text);
    client.end_writing();
    EXPECT_LT(client.rest().size(), 100u) << "an alert at most";
  }
  check_still_serving(served);
}

TEST(TlsServerTest, RequestsMayComeInAnyRecords) {
  TlsServed served;
  const std::string text = tls_begin_text(served.backend.nodes.enrol("ana")) + kTlsHello;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, text.size()}) {
    TlsClient client(served.port());
    for (std::size_t at = 0; at < text.size(); at += piece)
      ASSERT_TRUE(client.send(text.substr(at, piece)));
    EXPECT_EQ(status_of(client.answer()), 201) << "in pieces of " << piece;
    EXPECT_EQ(status_of(client.answer()), 200) << "in pieces of " << piece;
  }
}

TEST(TlsServerTest, TheEndIsSaidNotCut) {
  TlsServed served;
  TlsClient client(served.port());
  ASSERT_TRUE(client.send("GET /v1/server HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  EXPECT_EQ(status_of(client.rest()), 200);
  EXPECT_TRUE(client.said_goodbye());
}

TEST(TlsServerTest, WithoutACredentialThereIsNothing) {
  TlsServed served;
  TlsClient client(served.port());
  const std::string text = tls_begin_text(test::FakeRegistry::fresh());
  ASSERT_TRUE(client.send(text));
  EXPECT_EQ(status_of(client.answer()), 401);
  check_still_serving(served);
}

// The shapes that make two readers of one connection disagree about where a request ends, and others that no
// client of ours makes.
TEST(TlsServerTest, WhatSmugglesRequestsIsRefusedAndEndsTheConnection) {
  TlsServed served;
  const std::string post = "POST /v1/nodes/self/sessions HTTP/1.1\r\nHost: h\r\n";
  const std::vector<std::pair<std::string, int>> cases = {
      {post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400},
      {post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
      {post + "Transfer-Encoding: \tchunked\r\nContent-Length: 3\r\n\r\nabc", 400},
      {post + "Content-Length: 4\r\n folded\r\n\r\nabcd", 400},
      {post + "Content-Length: -1\r\n\r\n", 400},
      {post + "Content-Length: 18446744073709551617\r\n\r\n", 400},
      {post + "Content-Length : 4\r\n\r\nabcd", 400},
      {post + "Content-Length: 4\nX: y\r\n\r\nabcd", 400},
      {post + std::string("X: a\0b\r\n\r\n", 10), 400},
      {"POST\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {std::string("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n", 28), 400},
      {post + "X: " + std::string(64 << 10, 'x') + "\r\n\r\n", 431},
      {std::string(64 << 10, 'G'), 431},
  };
  for (const auto& [text, status] : cases) {
    TlsClient client(served.port());
    (void)client.send(text + kTlsHello);  // the server may hang up before the end of it
    const std::string answers = client.rest();
    EXPECT_EQ(status_of(answers), status) << text.substr(0, 100);
    EXPECT_EQ(answers.find("HTTP/1.1 200"), std::string::npos) << "the smuggled one was answered: " << text;
  }
  check_still_serving(served);
}

TEST(TlsServerTest, AForeignFormOfTargetIsNoResource) {
  TlsServed served;
  for (const char* target : {"http://h/v1/server", "*", "//v1/server", "/v1/../v1/server", "/v1/server/"}) {
    TlsClient client(served.port());
    ASSERT_TRUE(client.send(std::string("GET ") + target + " HTTP/1.1\r\nHost: h\r\n\r\n"));
    EXPECT_EQ(status_of(client.answer()), 404) << target;
  }
}

TEST(TlsServerTest, WhoStallsIsCutOffWhereverThatIs) {
  TlsServed served({.handshake_timeout = milliseconds(100),
                    .idle_timeout = milliseconds(200),
                    .read_timeout = milliseconds(200)});
  RawClient silent(served.port());
  RawClient in_handshake(served.port());
  ASSERT_TRUE(in_handshake.send(std::string("\x16\x03\x01\x02\x00\x01", 6)));
  TlsClient idle(served.port());
  TlsClient in_head(served.port());
  TlsClient in_body(served.port());
  const std::string text = tls_begin_text(served.backend.nodes.enrol("ana"));
  ASSERT_TRUE(in_head.send(text.substr(0, 20)));
  ASSERT_TRUE(in_body.send(text.substr(0, text.size() - 3)));
  EXPECT_EQ(silent.rest(), "");
  EXPECT_EQ(in_handshake.rest(), "");
  EXPECT_EQ(idle.rest(), "");
  EXPECT_EQ(in_head.rest(), "");
  EXPECT_EQ(in_body.rest(), "");
  EXPECT_TRUE(eventually([&] { return served.server->stats().timed_out == 5; }));
  check_still_serving(served);
}

// Bytes that come one by one move no deadline: neither that of a handshake, nor of a head, nor of a body.
TEST(TlsServerTest, TricklingDoesNotHelp) {
  TlsServed served({.handshake_timeout = milliseconds(150), .read_timeout = milliseconds(150)});
  const auto trickle = [](auto& client, const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(8);
    for (const char c : text) {
      if (!client.send(std::string_view(&c, 1))) return true;
      std::this_thread::sleep_for(milliseconds(10));
      if (std::chrono::steady_clock::now() > end) return false;
    }
    return client.rest().empty();
  };
  RawClient in_handshake(served.port());
  EXPECT_TRUE(trickle(in_handshake, "\x16\x03\x01\x3f\xff\x01" + std::string(1000, '\x01')));
  TlsClient in_head(served.port());
  EXPECT_TRUE(trickle(in_head, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(1000, 'x')));
  TlsClient in_body(served.port());
  const std::string begin = tls_begin_text(served.backend.nodes.enrol("ana"));
  const std::size_t body = begin.find("\r\n\r\n") + 4;
  std::string long_body = begin.substr(0, begin.find("Content-Length")) + "Content-Length: 5000\r\n\r\n";
  ASSERT_TRUE(in_body.send(long_body));
  EXPECT_TRUE(trickle(in_body, begin.substr(body) + std::string(1000, ' ')));
  check_still_serving(served);
}

TEST(TlsServerTest, ACertificateCanBeRenewedAndAKeyReplacedWhileItServes) {
  TlsServed served;
  TlsClient before(served.port());
  EXPECT_EQ(hello_status(before), 200);
  const api::KeyPin pin = served.pin();
  ASSERT_EQ(::unlink((served.directory / "cert.pem").c_str()), 0);
  EXPECT_FALSE(served.server->reload_tls());
  check_still_serving(served);
  ASSERT_TRUE(ensure_tls_identity(served.directory.path()));
  ASSERT_TRUE(served.server->reload_tls());
  EXPECT_EQ(served.pin(), pin);
  check_still_serving(served);
  ASSERT_TRUE(make_next_tls_key(served.directory.path()));
  ASSERT_TRUE(switch_to_next_tls_key(served.directory.path()));
  ASSERT_TRUE(served.server->reload_tls());
  EXPECT_NE(served.pin(), pin);
  check_still_serving(served);
  EXPECT_EQ(hello_status(before), 200) << "who is connected stays so";
}

TEST(TlsServerTest, TcpWithoutACertificateIsRefused) {
  TlsServed served;
  const auto refused = Server::start(served.service, {.listen = {"127.0.0.1:0"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_argument);
  const auto taken = Server::start(
      served.service, {.listen = {served.address()}, .tls = tls_files_in(served.directory.path())});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().sys_errno, EADDRINUSE);
  EXPECT_FALSE(Server::start(served.service, {}));
}

TEST(TlsServerTest, ListensAtSeveralAddressesAndOnInheritedSockets) {
  TlsServed served;
  const int inherited = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(inherited, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(inherited, 16), 0);
  const test::TempDirectory directory;
  const std::string path = directory / "sock";
  const auto second = Server::start(served.service, {.socket_path = path,
                                                     .listen = {"127.0.0.1:0", "127.0.0.1:0"},
                                                     .inherited = {inherited},
                                                     .tls = tls_files_in(served.directory.path())});
  ASSERT_TRUE(second) << second.error().message;
  ASSERT_EQ((*second)->addresses().size(), 3u);
  for (const std::string& where : (*second)->addresses()) {
    TlsClient client(static_cast<std::uint16_t>(std::stoi(where.substr(where.rfind(':') + 1))));
    EXPECT_EQ(hello_status(client), 200) << where;
  }
  RawClient local(path);
  EXPECT_EQ(hello_status(local), 200);
  EXPECT_EQ((*second)->stats().open_unix, 1u);

  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(Server::start(served.service, {.inherited = {::dup(file.get())}}));
}

TEST(TlsServerTest, ANodeHasSoManyConnectionsAndOthersHaveTheirs) {
  TlsServed served({.max_connections_per_share = 2});
  const Credential ana = served.backend.nodes.enrol("ana");
  const Credential ben = served.backend.nodes.enrol("ben");
  const auto begin = [&](TlsClient& client, const Credential& credential) {
    EXPECT_TRUE(client.send(tls_begin_text(credential)));
    return client.answer();
  };
  TlsClient first(served.port());
  EXPECT_EQ(status_of(begin(first, ana)), 201);
  EXPECT_EQ(status_of(begin(first, ana)), 201) << "one connection counts once";
  {
    TlsClient second(served.port());
    EXPECT_EQ(status_of(begin(second, ana)), 201);
    TlsClient third(served.port());
    const std::string answer = begin(third, ana);
    EXPECT_EQ(status_of(answer), 429);
    EXPECT_NE(answer.find("retry-after: "), std::string::npos);
    TlsClient other(served.port());
    EXPECT_EQ(status_of(begin(other, ben)), 201);
  }
  EXPECT_TRUE(eventually([&] { return served.server->stats().open_tls == 1; }));
  TlsClient again(served.port());
  EXPECT_EQ(status_of(begin(again, ana)), 201) << "a connection that ended makes room";
  EXPECT_EQ(served.server->stats().throttled, 1u);
}

TEST(TlsServerTest, WhoNeverSaidWhoTheyAreMakeRoomForOthers) {
  TlsServed served({.max_connections = 4});
  const Credential ana = served.backend.nodes.enrol("ana");
  TlsClient known(served.port());
  ASSERT_TRUE(known.send(tls_begin_text(ana)));
  EXPECT_EQ(status_of(known.answer()), 201);
  RawClient silent(served.port());
  TlsClient idle(served.port());
  TlsClient only_hello(served.port());
  EXPECT_EQ(hello_status(only_hello), 200);
  for (int i = 0; i < 3; i++) {
    TlsClient next(served.port());
    ASSERT_TRUE(next.connected()) << i;
    ASSERT_TRUE(next.send(tls_begin_text(ana)));
    EXPECT_EQ(status_of(next.answer()), 201) << i;
  }
  EXPECT_EQ(silent.rest(), "") << "the oldest went first";
  ASSERT_TRUE(known.send(tls_begin_text(ana)));
  EXPECT_EQ(status_of(known.answer()), 201);
  EXPECT_GE(served.server->stats().evicted, 1u);
}

TEST(TlsServerTest, AThousandIdleConnectionsChangeNothing) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 3000) GTEST_SKIP() << "not enough descriptors";
  // However slow this machine is, none is cut off.
  TlsServed served({.handshake_timeout = std::chrono::hours(1), .idle_timeout = std::chrono::hours(1)});
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 900; i++)
    idle.push_back(std::make_unique<RawClient>(served.port()));
  std::vector<std::unique_ptr<TlsClient>> encrypted;
  for (int i = 0; i < 100; i++) {
    encrypted.push_back(std::make_unique<TlsClient>(served.port()));
    ASSERT_EQ(hello_status(*encrypted.back()), 200) << i;
  }
  EXPECT_EQ(served.server->stats().open_tls, 1000u);
  check_still_serving(served);
  for (const auto& client : encrypted)
    EXPECT_EQ(hello_status(*client), 200);
}

TEST(TlsServerTest, TheNumbersAreCounted) {
  TlsServed served;
  TlsClient client(served.port());
  EXPECT_EQ(hello_status(client), 200);
  ASSERT_TRUE(client.send("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"));
  const std::string answer = client.answer();
  EXPECT_EQ(status_of(answer), 404);
  EXPECT_NE(answer.find("rb-request: 2\r\n"), std::string::npos) << answer;
  ASSERT_TRUE(eventually([&] { return served.server->stats().requests[4] == 1; }));
  const ServerStats stats = served.server->stats();
  EXPECT_EQ(stats.accepted, 1u);
  EXPECT_EQ(stats.handshakes, 1u);
  EXPECT_EQ(stats.open_tls, 1u);
  EXPECT_EQ(stats.open_unix, 0u);
  EXPECT_EQ(stats.requests[2], 1u);
  EXPECT_GT(stats.bytes_in, kTlsHello.size());
  EXPECT_GT(stats.bytes_out, answer.size());
  EXPECT_EQ(stats.body_bytes_held, 0u);
  std::uint64_t taking = 0;
  for (const std::uint64_t count : stats.requests_taking)
    taking += count;
  EXPECT_EQ(taking, 2u);
}

TEST(TlsServerTest, StoppingSaysGoodbyeToWhoIsIdle) {
  TlsServed served;
  TlsClient client(served.port());
  EXPECT_EQ(hello_status(client), 200);
  served.stop();
  EXPECT_EQ(client.rest(), "");
  EXPECT_TRUE(client.said_goodbye());
  served.start();
  check_still_serving(served);
}

}  // namespace
}  // namespace rb::net
