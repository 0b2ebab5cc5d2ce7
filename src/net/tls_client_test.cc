// Our client over TLS: whom it trusts, what it says to whom, and what it does when asked to wait.
#include <latch>

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "api/client_codec.h"
#include "net/http_client.h"
#include "net/server_link.h"
#include "support/block_samples.h"
#include "support/tls_fixture.h"

namespace rb::net {
namespace {

using std::chrono::milliseconds;
using test::TlsServed;

Result<std::unique_ptr<Session>> begin(const RemoteOptions& options) {
  const std::unique_ptr<Store> store = make_remote_store(options);
  BeginRequest wanted;
  wanted.run = random_id<RunId>();
  return store->begin(wanted);
}

// Accepts one connection at a time, shakes hands with the key in a directory, and counts the bytes of
// requests.
class CountingTlsServer {
 public:
  explicit CountingTlsServer(const std::string& directory)
      : context_(SSL_CTX_new(TLS_server_method())), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    SSL_CTX_use_certificate_file(context_.get(), (directory + "/cert.pem").c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context_.get(), (directory + "/key.pem").c_str(), SSL_FILETYPE_PEM);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(fd_.get(), 16), 0);
    EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~CountingTlsServer() {
    ::shutdown(fd_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int bytes() const { return bytes_; }
  int connections() const { return connections_; }

 private:
  void serve() {
    for (;;) {
      const UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) return;
      connections_++;
      const OpensslPtr<SSL> ssl(SSL_new(context_.get()));
      BIO* const bio = make_socket_bio(fd.get(), 0).release();
      SSL_set_bio(ssl.get(), bio, bio);
      if (SSL_accept(ssl.get()) != 1) continue;
      char buffer[1000];
      for (int n = 1; n > 0; bytes_ += std::max(n, 0))
        n = SSL_read(ssl.get(), buffer, sizeof buffer);
    }
  }

  OpensslPtr<SSL_CTX> context_;
  UniqueFd fd_;
  std::uint16_t port_ = 0;
  std::atomic<int> bytes_{0}, connections_{0};
  std::thread thread_;
};

TEST(TlsClientTest, TheRightKeyIsEnough) {
  TlsServed served;
  const auto session = begin(served.remote(served.backend.nodes.enrol("ana")));
  ASSERT_TRUE(session) << session.error().message;
  EXPECT_EQ((*session)->info().node, "1");
}

TEST(TlsClientTest, AnotherKeyIsToldNothing) {
  const test::TempDirectory directory;
  ASSERT_TRUE(ensure_tls_identity(directory.path()));
  const CountingTlsServer impostor(directory.path());
  RemoteOptions options;
  options.address = impostor.address();
  options.pins = {random_id<api::KeyPin>()};
  options.credential = test::FakeRegistry::fresh();
  const auto session = begin(options);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, Errc::denied);
  EXPECT_NE(session.error().message.find("another key than the one this machine joined"), std::string::npos)
      << session.error().message;
  EXPECT_NE(session.error().message.find(impostor.address()), std::string::npos);
  EXPECT_EQ(impostor.connections(), 1) << "it is final: nothing is repeated";
  EXPECT_EQ(impostor.bytes(), 0);
}

TEST(TlsClientTest, AnyOfSeveralKeysWillDo) {
  TlsServed served;
  RemoteOptions options = served.remote(served.backend.nodes.enrol("ana"));
  options.pins = {random_id<api::KeyPin>(), served.pin(), random_id<api::KeyPin>()};
  EXPECT_TRUE(begin(options));
}

TEST(TlsClientTest, WithoutAKeyNothingIsTrusted) {
  TlsServed served;
  RemoteOptions options = served.remote(served.backend.nodes.enrol("ana"));
  options.pins.clear();
  EXPECT_EQ(begin(options).error().code, Errc::invalid_argument);
  options = served.remote(served.backend.nodes.enrol("ana"));
  options.address = "user@127.0.0.1:1/path";
  EXPECT_EQ(begin(options).error().code, Errc::invalid_argument);
}

TEST(TlsClientTest, TheServersNextKeyIsHandedOnAndThenTrusted) {
  TlsServed served;
  const Credential ana = served.backend.nodes.enrol("ana");
  ASSERT_TRUE(make_next_tls_key(served.directory.path()));
  served.backend.next_pin = *pin_of_next_tls_key(served.directory.path());
  RemoteOptions options = served.remote(ana);
  std::vector<api::KeyPin> told;
  options.on_next_key = [&](const api::KeyPin& pin) { told.push_back(pin); };
  ASSERT_TRUE(begin(options));
  ASSERT_EQ(told.size(), 1u);
  ASSERT_TRUE(switch_to_next_tls_key(served.directory.path()));
  ASSERT_TRUE(served.server->reload_tls());
  EXPECT_EQ(begin(options).error().code, Errc::denied);
  options.pins.push_back(told.front());
  EXPECT_TRUE(begin(options));
}

TEST(TlsClientTest, AnUnknownOrRemovedCredentialIsFinal) {
  TlsServed served;
  const auto unknown = begin(served.remote(test::FakeRegistry::fresh()));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::denied);
  const Credential ana = served.backend.nodes.enrol("ana");
  ASSERT_TRUE(begin(served.remote(ana)));
  ASSERT_TRUE(served.backend.nodes.remove("ana"));
  const auto removed = begin(served.remote(ana));
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, Errc::denied);
  EXPECT_NE(removed.error().message.find("removed"), std::string::npos) << removed.error().message;
}

TEST(TlsClientTest, NobodyThereIsSaidAtOnce) {
  TlsServed served;
  const RemoteOptions options = served.remote(served.backend.nodes.enrol("ana"));
  served.stop();
  const auto session = begin(options);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, Errc::unavailable);
  EXPECT_NE(session.error().message.find(served.address()), std::string::npos) << session.error().message;
}

TEST(TlsClientTest, AServerThatRestartsIsFoundAgain) {
  TlsServed served;
  const auto session = begin(served.remote(served.backend.nodes.enrol("ana")));
  ASSERT_TRUE(session);
  ASSERT_TRUE((*session)->put(test::chunk_block("one").bytes));
  ASSERT_TRUE((*session)->flush());
  served.stop();
  served.start();
  ASSERT_TRUE((*session)->put(test::chunk_block("two").bytes));
  const Status flushed = (*session)->flush();
  EXPECT_TRUE(flushed) << flushed.error().message;
}

TEST(TlsClientTest, AServerThatDiesInTheMiddleOfABodyIsFoundAgain) {
  TlsServed served({.share_bytes_per_second = 2 << 20});
  const auto session = begin(served.remote(served.backend.nodes.enrol("ana")));
  ASSERT_TRUE(session);
  Status flushed;
  std::thread sender([&] {
    std::string text(1 << 20, '\0');
    for (int i = 0; i < 3; i++) {
      fill_random({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
      ASSERT_TRUE((*session)->put(test::chunk_block(text).bytes));
    }
    flushed = (*session)->flush();
  });
  while (served.server->stats().body_bytes_held == 0)
    std::this_thread::sleep_for(milliseconds(1));
  served.stop(milliseconds(0));
  served.start();
  sender.join();
  EXPECT_TRUE(flushed) << flushed.error().message;
}

TEST(TlsClientTest, ConnectionsAreKept) {
  TlsServed served;
  const RemoteOptions options = served.remote(served.backend.nodes.enrol("ana"));
  const auto session = begin(options);
  ASSERT_TRUE(session);
  for (int i = 0; i < 20; i++)
    ASSERT_TRUE((*session)->status());
  EXPECT_LE(served.server->stats().accepted, 2u) << "its own, and that of the keeper of the lease";
}

TEST(TlsClientTest, WhoIsAskedToWaitWaitsAndSaysSo) {
  TlsServed served({.max_connections_per_share = 1});
  const Credential ana = served.backend.nodes.enrol("ana");
  auto blocker = std::make_unique<test::TlsClient>(served.port());
  ASSERT_TRUE(
      blocker->send("GET /v1/sessions/00000000000000000000000000000000 HTTP/1.1\r\nHost: h\r\n"
                    "Authorization: " +
                    api::encode_authorization(ana) + "\r\n\r\n"));
  ASSERT_GE(test::status_of(blocker->answer()), 400);
  RemoteOptions options = served.remote(ana);
  std::latch noticed(1);
  std::string notice;
  options.on_notice = [&](const std::string& text) {
    notice = text;
    noticed.count_down();
  };
  std::thread unblocker([&] {
    noticed.wait();
    blocker.reset();
  });
  const auto session = begin(options);
  unblocker.join();
  EXPECT_TRUE(session);
  EXPECT_NE(notice.find("the server asks to wait"), std::string::npos) << notice;
  EXPECT_NE(notice.find("too many connections"), std::string::npos) << notice;
}

TEST(TlsClientTest, WaitingHasAnEnd) {
  TlsServed served({.max_connections_per_share = 0});
  RemoteOptions options = served.remote(served.backend.nodes.enrol("ana"));
  options.patience = milliseconds(50);
  const auto session = begin(options);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, Errc::busy);
}

TEST(TlsClientTest, ARateIsKeptWithoutAnError) {
  TlsServed served({.share_bytes_per_second = 4 << 20});
  const auto session = begin(served.remote(served.backend.nodes.enrol("ana")));
  ASSERT_TRUE(session);
  const auto began = std::chrono::steady_clock::now();
  std::string text(1 << 20, '\0');
  for (int i = 0; i < 3; i++) {
    fill_random({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    ASSERT_TRUE((*session)->put(test::chunk_block(text).bytes));
  }
  ASSERT_TRUE((*session)->flush());
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GT(took, milliseconds(500)) << "3 MiB at 4 MiB a second, less a tenth of a second's burst";
}

// Of this thread alone, as the kernel sees it: what it makes meanwhile is another user's.
class AsAnotherUser {
 public:
  explicit AsAnotherUser(uid_t uid) { is_possible = ::syscall(SYS_setresuid, -1, uid, -1) == 0; }
  ~AsAnotherUser() {
    if (is_possible) ::syscall(SYS_setresuid, -1, 0, -1);
  }
  bool is_possible = false;
};

TEST(UnixClientTest, AServerOfAnotherUserIsToldNothing) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's socket";
  constexpr uid_t kOther = 4711;
  const test::TempDirectory directory;
  ASSERT_EQ(::chmod(directory.path().c_str(), 0777), 0);
  std::atomic<int> bytes{0};
  const auto listen = [&] {
    const AsAnotherUser other(kOther);
    EXPECT_TRUE(other.is_possible);
    return std::make_unique<test::ScriptedServer>(directory / "sock", [&](int fd, int) {
      bytes += static_cast<int>(test::receive_some(fd).size());  // and hangs up
    });
  };
  const auto server = listen();
  RemoteOptions options;
  options.socket_path = directory / "sock";
  options.patience = milliseconds(1);
  const auto refused = begin(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_NE(refused.error().message.find("uid 4711"), std::string::npos) << refused.error().message;
  EXPECT_EQ(bytes, 0);
  options.socket_owner = kOther;
  EXPECT_EQ(begin(options).error().code, Errc::unavailable) << "trusted, but it never answers";
  EXPECT_GT(bytes, 0);
}

}  // namespace
}  // namespace rb::net
