// The client's side of a connection: what the protocol's own tests (remote_store_test.cc, tls_client_test.cc)
// don't show of it.
#include "net/http_client.h"

#include <gtest/gtest.h>

#include "support/raw_socket.h"
#include "support/temp_directory.h"

namespace rb::net {
namespace {

using std::chrono::milliseconds;
using test::ScriptedServer;

constexpr char kOk[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class HttpClientTest : public testing::Test {
 protected:
  Result<api::Response> perform(std::size_t body_bytes = 0, milliseconds stall = milliseconds(20000)) {
    api::Request request{.method = "POST", .target = "/v1/x"};
    const std::vector<Bytes> parts(1, Bytes(body_bytes, 'b'));
    Exchange exchange;
    exchange.request = &request;
    exchange.parts = parts;
    exchange.stall = stall;
    exchange.cancelled = &cancelled_;
    return client().perform(exchange);
  }
  HttpClient& client() {
    if (!client_) client_ = std::make_unique<HttpClient>(HttpTarget{.socket_path = path_});
    return *client_;
  }

  const test::TempDirectory directory_;
  const std::string path_ = directory_ / "sock";
  std::atomic<bool> cancelled_{false};
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientTest, AConnectionCarriesManyExchanges) {
  const ScriptedServer server(path_, [](int fd, int) {
    while (!test::read_request(fd).empty() && test::send_all(fd, kOk)) {
    }
  });
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(as_text(perform(1000)->body), "ok");
  EXPECT_EQ(server.connections(), 1);
}

// Whether the client notices that before it sends, or afterwards.
TEST_F(HttpClientTest, AKeptConnectionThatDiedIsReplacedOnce) {
  const ScriptedServer server(path_, [](int fd, int number) {
    if (test::read_request(fd).empty() || !test::send_all(fd, kOk)) return;
    if (number == 2) (void)test::read_request(fd);
  });
  for (int i = 0; i < 6; ++i)
    EXPECT_TRUE(perform()) << i;
}

TEST_F(HttpClientTest, AFreshConnectionThatDiesIsAnError) {
  const ScriptedServer server(path_, [](int fd, int) { (void)test::read_request(fd); });
  EXPECT_EQ(perform().error().code, Errc::unavailable);
  EXPECT_EQ(server.connections(), 1);
}

// The server has read nothing of the body, and goes on not reading.
TEST_F(HttpClientTest, ARefusalInTheMiddleOfABodyIsHeard) {
  std::atomic<bool> done{false};
  const ScriptedServer server(path_, [&](int fd, int) {
    (void)test::receive_some(fd, 1);
    (void)test::send_all(fd, "HTTP/1.1 413 X\r\nContent-Length: 3\r\n\r\nbig");
    done.wait(false);
  });
  const auto answer = perform(64 << 20);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(as_text(answer->body), "big");
  done = true;
  done.notify_all();
}

TEST_F(HttpClientTest, APeerThatMovesNothingIsGivenUp) {
  std::atomic<bool> done{false};
  const ScriptedServer server(path_, [&](int, int) { done.wait(false); });
  for (const std::size_t body_bytes : {std::size_t{0}, std::size_t{64} << 20}) {
    const auto answer = perform(body_bytes, milliseconds(300));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::unavailable);
    EXPECT_NE(answer.error().message.find("nothing moved"), std::string::npos) << answer.error().message;
  }
  done = true;
  done.notify_all();
}

TEST_F(HttpClientTest, WhoIsCancelledWaitsNoLonger) {
  std::atomic<bool> done{false};
  const ScriptedServer server(path_, [&](int fd, int) {
    (void)test::read_request(fd);
    cancelled_ = true;
    done.wait(false);
  });
  EXPECT_EQ(perform().error().code, Errc::cancelled);
  done = true;
  done.notify_all();
}

TEST_F(HttpClientTest, NobodyThereIsSaidWithTheReason) {
  const auto answer = perform();
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_EQ(answer.error().sys_errno, ENOENT);
}

}  // namespace
}  // namespace rb::net
