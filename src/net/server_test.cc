// The server against clients that are slow, broken or hostile.
#include "net/server.h"

#include <gtest/gtest.h>

#include "api/client_codec.h"
#include "base/random.h"
#include "support/block_samples.h"
#include "support/endless_store.h"
#include "support/net_fixture.h"
#include "support/raw_socket.h"

namespace rb::net {
namespace {

using std::chrono::milliseconds;
using test::EndlessStore;
using test::RawClient;
using test::ServedStore;
using test::status_of;

const std::string kHello = "GET /v1/server HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::string begin_text(const std::string& more_fields = "") {
  BeginRequest wanted;
  const std::string body = api::encode_begin(wanted);
  return "POST /v1/nodes/self/sessions HTTP/1.1\r\nHost: localhost\r\n" + more_fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void check_still_serving(ServedStore& served) {
  RawClient client(served.path());
  ASSERT_TRUE(client.send(kHello));
  EXPECT_EQ(status_of(client.answer()), 200);
}

TEST(ServerTest, RequestsMayComeInAnyPieces) {
  ServedStore served;
  const std::string text = begin_text() + kHello;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{64}, text.size()}) {
    RawClient client(served.path());
    for (std::size_t at = 0; at < text.size(); at += piece)
      ASSERT_TRUE(client.send(text.substr(at, piece)));
    EXPECT_EQ(status_of(client.answer()), 201) << "in pieces of " << piece;
    EXPECT_EQ(status_of(client.answer()), 200) << "in pieces of " << piece;
  }
}

TEST(ServerTest, PipelinedRequestsAreAnsweredInTheirOrder) {
  ServedStore served;
  RawClient client(served.path());
  std::string text;
  for (int i = 0; i < 50; i++)
    text += i % 2 == 0 ? kHello : begin_text();
  ASSERT_TRUE(client.send(text));
  for (int i = 0; i < 50; i++)
    EXPECT_EQ(status_of(client.answer()), i % 2 == 0 ? 200 : 201);
}

TEST(ServerTest, AConnectionEndsWhenAsked) {
  ServedStore served;
  RawClient client(served.path());
  ASSERT_TRUE(client.send("GET /v1/server HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"));
  const std::string answer = client.rest();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_NE(answer.find("connection: close"), std::string::npos);
}

TEST(ServerTest, MalformedRequestsAreAnsweredAndTheConnectionEnds) {
  ServedStore served;
  const std::vector<std::pair<std::string, int>> cases = {
      {"nonsense\r\n\r\n", 400},
      {"GET /v1/server HTTP/1.0\r\nHost: h\r\n\r\n", 505},
      {"GET /v1/server HTTP/1.1\r\n\r\n", 400},
      {"POST /v1/server HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
      {"GET /v1/server HTTP/1.1\r\nHost: h\r\nX: " + std::string(20000, 'x') + "\r\n\r\n", 431},
      {"GET /v1/server HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", 413},
      {"POST /v1/nodes/self/sessions HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n" +
           std::string(70000, 'x'),
       413},
  };
  for (const auto& [text, status] : cases) {
    RawClient client(served.path());
    (void)client.send(text);  // the server may hang up before the end of it
    EXPECT_EQ(status_of(client.rest()), status) << text.substr(0, 60);
  }
  check_still_serving(served);
}

TEST(ServerTest, ARefusalWithoutABodyKeepsTheConnection) {
  ServedStore served;
  RawClient client(served.path());
  ASSERT_TRUE(client.send("GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(status_of(client.answer()), 404);
  ASSERT_TRUE(client.send("PUT /v1/server HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(status_of(client.answer()), 405);
  ASSERT_TRUE(client.send(kHello));
  EXPECT_EQ(status_of(client.answer()), 200);
}

TEST(ServerTest, WhoExpectsAContinueGetsOne) {
  ServedStore served;
  RawClient client(served.path());
  const std::string text = begin_text("Expect: 100-continue\r\n");
  const std::size_t body = text.find("\r\n\r\n") + 4;
  ASSERT_TRUE(client.send(text.substr(0, body)));
  EXPECT_EQ(client.answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(client.send(text.substr(body)));
  EXPECT_EQ(status_of(client.answer()), 201);
}

TEST(ServerTest, WhoExpectsAContinueForTooMuchIsRefusedFirst) {
  ServedStore served;
  RawClient client(served.path());
  ASSERT_TRUE(
      client.send("POST /v1/nodes/self/sessions HTTP/1.1\r\nHost: h\r\nExpect: "
                  "100-continue\r\nContent-Length: 9999999\r\n\r\n"));
  EXPECT_EQ(status_of(client.answer()), 413);
}

TEST(ServerTest, ABodyShorterThanItsLengthIsNoRequest) {
  ServedStore served;
  RawClient client(served.path());
  const std::string text = begin_text();
  ASSERT_TRUE(client.send(text.substr(0, text.size() - 1)));
  client.end_writing();
  EXPECT_EQ(client.rest(), "");
  EXPECT_EQ(served.memory.stats().begins, 0u);
}

TEST(ServerTest, ClientsThatHangUpAnywhereDoNoHarm) {
  ServedStore served;
  const std::string text = begin_text();
  for (std::size_t n = 0; n <= text.size(); n += 5) {
    RawClient client(served.path());
    ASSERT_TRUE(client.send(text.substr(0, n)));
  }
  check_still_serving(served);
}

TEST(ServerTest, WhoMakesNoProgressIsCutOff) {
  ServedStore served({.idle_timeout = milliseconds(50), .read_timeout = milliseconds(50)});
  RawClient silent(served.path());
  RawClient in_head(served.path());
  RawClient in_body(served.path());
  ASSERT_TRUE(in_head.send(kHello.substr(0, 10)));
  ASSERT_TRUE(in_body.send(begin_text().substr(0, begin_text().size() - 3)));
  EXPECT_EQ(silent.rest(), "");
  EXPECT_EQ(in_head.rest(), "");
  EXPECT_EQ(in_body.rest(), "");
  check_still_serving(served);
}

std::string read_text(RawClient& client) {
  EXPECT_TRUE(client.send(begin_text()));
  const std::string answer = client.answer();
  const auto begun = api::decode_begin_answer(as_bytes(answer.substr(answer.find("\r\n\r\n") + 4)));
  EXPECT_TRUE(begun) << answer;
  return "POST /v1/sessions/" + to_hex(begun->session) +
         "/objects HTTP/1.1\r\nHost: h\r\nContent-Length: 32\r\n\r\n" + std::string(32, '\0');
}

TEST(ServerTest, ASlowReaderGetsEverythingAndMakesTheStoreWait) {
  EndlessStore store(200);
  ServedStore served({}, {}, &store);
  RawClient client(served.path());
  ASSERT_TRUE(client.send(read_text(client)));
  std::string answer = client.some();
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_LT(store.given, 100) << "an answer is not made far ahead of its reader";
  while (!answer.ends_with("\r\n0\r\n\r\n")) {
    const std::string more = client.some();
    ASSERT_FALSE(more.empty());
    answer += more;
  }
  EXPECT_GT(answer.size(), 200u * 100000u);
  EXPECT_EQ(store.given, 200);
}

TEST(ServerTest, AReaderThatReadsNothingIsCutOff) {
  EndlessStore store(1 << 30);
  ServedStore served({.write_timeout = milliseconds(50)}, {}, &store);
  RawClient client(served.path());
  ASSERT_TRUE(client.send(read_text(client)));
  store.ended.wait();
  EXPECT_LT(store.given, 1000);
  check_still_serving(served);
}

TEST(ServerTest, ALongAnswerHoldsUpNobodyElse) {
  EndlessStore store(1 << 30);
  ServedStore served({.worker_threads = 1, .stream_threads = 1}, {}, &store);
  RawClient client(served.path());
  ASSERT_TRUE(client.send(read_text(client)));
  check_still_serving(served);
  served.stop(milliseconds(0));
}

TEST(ServerTest, BodiesWaitForTheirShareOfMemory) {
  ServedStore served({.body_budget_bytes = 100});
  const std::string text = begin_text();
  RawClient first(served.path());
  RawClient second(served.path());
  ASSERT_TRUE(first.send(text.substr(0, text.size() - 1)));
  ASSERT_TRUE(first.send(""));
  ASSERT_TRUE(second.send(text));
  ASSERT_TRUE(first.send(text.substr(text.size() - 1)));
  EXPECT_EQ(status_of(first.answer()), 201);
  EXPECT_EQ(status_of(second.answer()), 201);
}

TEST(ServerTest, TooManyConnectionsAreToldSo) {
  ServedStore served({.max_connections = 2});
  RawClient one(served.path());
  RawClient two(served.path());
  ASSERT_TRUE(one.send(begin_text()));
  EXPECT_EQ(status_of(one.answer()), 201);
  ASSERT_TRUE(two.send(begin_text()));
  EXPECT_EQ(status_of(two.answer()), 201);
  RawClient three(served.path());
  EXPECT_EQ(status_of(three.rest()), 503);
}

TEST(ServerTest, StoppingEndsIdleConnectionsAndRemovesTheSocket) {
  ServedStore served;
  RawClient client(served.path());
  ASSERT_TRUE(client.send(kHello));
  EXPECT_EQ(status_of(client.answer()), 200);
  served.stop();
  EXPECT_EQ(client.rest(), "");
  EXPECT_FALSE(RawClient(served.path()).connected());
  EXPECT_NE(::access(served.path().c_str(), F_OK), 0);
}

TEST(ServerTest, StoppingLetsARunningRequestFinish) {
  EndlessStore store(100);
  ServedStore served({}, {}, &store);
  RawClient client(served.path());
  ASSERT_TRUE(client.send(read_text(client)));
  std::string answer = client.some();
  std::thread stopper([&] { served.stop(std::chrono::seconds(10)); });
  answer += client.rest();
  stopper.join();
  EXPECT_TRUE(answer.ends_with("\r\n0\r\n\r\n"));
}

TEST(ServerTest, StoppingCutsOffWhoIsNotDoneInTime) {
  EndlessStore store(1 << 30);
  ServedStore served({}, {}, &store);
  RawClient client(served.path());
  ASSERT_TRUE(client.send(read_text(client)));
  EXPECT_EQ(status_of(client.some()), 200);
  served.stop(milliseconds(20));
  store.ended.wait();
}

TEST(ServerTest, ALiveSocketIsRefusedAndAStaleOneReplaced) {
  ServedStore served;
  const auto second = Server::start(served.service, {.socket_path = served.path()});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::denied);
  check_still_serving(served);

  const std::string stale = served.directory / "stale";
  {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    const sockaddr_un address = test::unix_address(stale);
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  EXPECT_TRUE(Server::start(served.service, {.socket_path = stale}));
}

TEST(ServerTest, WhatIsNoSocketIsLeftAlone) {
  ServedStore served;
  const std::string file = served.directory.write("file", "precious");
  const auto refused = Server::start(served.service, {.socket_path = file});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_EQ(::access(file.c_str(), F_OK), 0);
  EXPECT_EQ(Server::start(served.service, {.socket_path = std::string(200, 'x')}).error().code,
            Errc::invalid_argument);
  EXPECT_EQ(Server::start(served.service, {.socket_path = served.directory / "no/such"}).error().code,
            Errc::not_found);
}

// docs/protocol.md, section 10, to the byte; only the session's key is another each time.
TEST(ServerTest, TheExampleInTheProtocolsDocument) {
  ServedStore served;
  RawClient client(served.path());
  const auto begin = [&] {
    BeginRequest wanted;
    wanted.run = random_id<RunId>();
    const std::string body = api::encode_begin(wanted);
    EXPECT_TRUE(client.send("POST /v1/nodes/self/sessions HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body));
    const std::string answer = client.answer();
    return to_hex(api::decode_begin_answer(as_bytes(answer.substr(answer.find("\r\n\r\n") + 4)))->session);
  };
  const std::string key = begin();
  (void)begin();  // so that asking is not needless
  const auto post_block = [&](const test::SampleBlock& block) {
    return "POST /v1/sessions/" + key + "/blocks HTTP/1.1\r\nHost: localhost\r\nRb-Stream: data\r\n" +
           "Content-Length: " + std::to_string(block.bytes.size()) + "\r\n\r\n" +
           std::string(as_text(block.bytes));
  };
  const test::SampleBlock first = test::chunk_block("first");
  const test::SampleBlock hello = test::chunk_block("hello");
  EXPECT_EQ(hello.bytes.size(), 94u);
  EXPECT_EQ(to_hex(ByteView(hello.bytes).first(24)), "726262310000000001000000200000000600000006000000");
  EXPECT_EQ(to_hex(ByteView(hello.bytes).subspan(56, 6)), "0568656c6c6f");
  ASSERT_TRUE(client.send(post_block(first)));
  EXPECT_EQ(status_of(client.answer()), 200);

  ASSERT_TRUE(client.send("POST /v1/sessions/" + key +
                          "/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
                          "Content-Length: 64\r\n\r\n" +
                          std::string(as_text(first.id.view())) + std::string(as_text(hello.id.view()))));
  EXPECT_EQ(client.answer(),
            "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\nrb-request: 4\r\ncontent-length: "
            "1\r\n\r\n\x04");
  ASSERT_TRUE(client.send(post_block(hello)));
  EXPECT_EQ(client.answer(),
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrb-request: 5\r\ncontent-length: "
            "12\r\n\r\n{\"blocks\":1}");
}

TEST(ServerTest, TheSocketIsOpenToAllUsers) {
  ServedStore served;
  struct stat status {};
  ASSERT_EQ(::stat(served.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666u);
}

}  // namespace
}  // namespace rb::net
