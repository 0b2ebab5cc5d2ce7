// What one node does to another over TLS: nothing that lasts.
#include <latch>

#include <gtest/gtest.h>

#include "api/client_codec.h"
#include "net/http_client.h"
#include "support/endless_store.h"
#include "support/net_fixture.h"
#include "support/tls_fixture.h"

namespace rb::net {
namespace {

using std::chrono::milliseconds;
using test::status_of;
using test::TlsClient;
using test::TlsServed;

// Gives the nodes of FakeBackend, but one of them a store of the test's own.
class OneSpecialNode final : public api::Backend {
 public:
  OneSpecialNode(std::string name, std::function<Result<std::unique_ptr<Store>>()> make)
      : name_(std::move(name)), make_(std::move(make)) {}

  Result<std::unique_ptr<Store>> store_for(const Caller& caller) override {
    return caller.name == name_ ? make_() : rest.store_for(caller);
  }
  Result<Caller> caller_of(const api::Peer& peer) override { return rest.caller_of(peer); }
  NodeRegistry& registry() override { return rest.registry(); }
  RepositoryId repository() override { return rest.repository(); }
  std::optional<api::KeyPin> next_key() override { return rest.next_key(); }
  Result<api::KeyPin> make_next_key() override { return rest.make_next_key(); }
  Result<api::KeyPin> switch_key() override { return rest.switch_key(); }
  Result<api::Reach> reach(const std::string& address) override { return rest.reach(address); }
  api::BackendState state() override { return rest.state(); }
  api::TransportState transport() override { return rest.transport(); }

  test::FakeBackend rest;

 private:
  const std::string name_;
  const std::function<Result<std::unique_ptr<Store>>()> make_;
};

std::string fair_begin_text(const Credential& credential) {
  BeginRequest wanted;
  wanted.run = random_id<RunId>();
  const std::string body = api::encode_begin(wanted);
  return "POST /v1/nodes/self/sessions HTTP/1.1\r\nHost: h\r\nAuthorization: " +
         api::encode_authorization(credential) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

// A disk that has stopped, for one node.
class Gate {
 public:
  Result<std::unique_ptr<Store>> wait() {
    waiting_++;
    opened_.wait();
    return fail(Errc::io, "the gate was shut");
  }
  void open() { opened_.count_down(); }
  int waiting() const { return waiting_; }

 private:
  std::latch opened_{1};
  std::atomic<int> waiting_{0};
};

TEST(TlsFairnessTest, ANodeThatKeepsWorkersBusyLeavesOneToOthers) {
  Gate gate;
  OneSpecialNode backend("greedy", [&] { return gate.wait(); });
  TlsServed served({.worker_threads = 3}, &backend);
  const Credential greedy = backend.rest.nodes.enrol("greedy");
  const Credential modest = backend.rest.nodes.enrol("modest");
  std::vector<std::unique_ptr<TlsClient>> many;
  for (int i = 0; i < 10; i++) {
    many.push_back(std::make_unique<TlsClient>(served.port()));
    ASSERT_TRUE(many.back()->send(fair_begin_text(greedy)));
  }
  while (gate.waiting() < 2)
    std::this_thread::sleep_for(milliseconds(1));
  for (int i = 0; i < 5; i++) {
    TlsClient client(served.port());
    ASSERT_TRUE(client.send(fair_begin_text(modest)));
    EXPECT_EQ(status_of(client.answer()), 201) << "while the other's requests stand still";
  }
  EXPECT_EQ(gate.waiting(), 2);
  gate.open();
  for (const auto& client : many)
    EXPECT_EQ(status_of(client->answer()), 500);
}

TEST(TlsFairnessTest, ANodeThatHoldsBodiesBackLeavesMemoryToOthers) {
  OneSpecialNode backend("greedy", [] { return fail(Errc::io, "never called"); });
  const std::string sample = fair_begin_text(Credential());
  const std::size_t body = sample.size() - sample.find("\r\n\r\n") - 4;
  TlsServed served({.body_budget_bytes = 8 * body}, &backend);
  const Credential greedy = backend.rest.nodes.enrol("greedy");
  std::vector<std::unique_ptr<TlsClient>> many;
  for (int i = 0; i < 20; i++) {
    many.push_back(std::make_unique<TlsClient>(served.port()));
    const std::string text = fair_begin_text(greedy);
    ASSERT_TRUE(many.back()->send(text.substr(0, text.size() - 1)));
  }
  TlsClient client(served.port());
  ASSERT_TRUE(client.send(fair_begin_text(backend.rest.nodes.enrol("modest"))));
  EXPECT_EQ(status_of(client.answer()), 201);
  EXPECT_LE(served.server->stats().body_bytes_held, 2 * body);
}

std::string read_text(TlsClient& client, const Credential& credential) {
  EXPECT_TRUE(client.send(fair_begin_text(credential)));
  const std::string answer = client.answer();
  const auto begun = api::decode_begin_answer(as_bytes(answer.substr(answer.find("\r\n\r\n") + 4)));
  EXPECT_TRUE(begun) << answer;
  if (!begun) return {};
  return "POST /v1/sessions/" + to_hex(begun->session) +
         "/objects HTTP/1.1\r\nHost: h\r\nAuthorization: " + api::encode_authorization(credential) +
         "\r\nContent-Length: 32\r\n\r\n" + std::string(32, '\0');
}

TEST(TlsFairnessTest, AReaderThatReadsNothingIsCutOff) {
  test::EndlessStore store(1 << 30);
  OneSpecialNode backend("lazy", [&]() -> Result<std::unique_ptr<Store>> {
    return std::make_unique<test::BorrowedStore>(store);
  });
  TlsServed served({.write_timeout = milliseconds(100)}, &backend);
  TlsClient client(served.port());
  ASSERT_TRUE(client.send(read_text(client, backend.rest.nodes.enrol("lazy"))));
  store.ended.wait();
  EXPECT_LT(store.given, 1000) << "of 100,000 bytes each: what sockets and one queue hold";
  TlsClient other(served.port());
  EXPECT_TRUE(other.send("GET /v1/server HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_EQ(status_of(other.answer()), 200);
}

TEST(TlsFairnessTest, ASlowReaderGetsEverything) {
  test::EndlessStore store(200);
  OneSpecialNode backend("slow", [&]() -> Result<std::unique_ptr<Store>> {
    return std::make_unique<test::BorrowedStore>(store);
  });
  TlsServed served({}, &backend);
  TlsClient client(served.port());
  ASSERT_TRUE(client.send(read_text(client, backend.rest.nodes.enrol("slow"))));
  std::string answer = client.some();
  EXPECT_LT(store.given, 150) << "an answer is not made far ahead of its reader";
  while (!answer.ends_with("\r\n0\r\n\r\n")) {
    const std::string more = client.some();
    ASSERT_FALSE(more.empty());
    answer += more;
  }
  EXPECT_GT(answer.size(), 200u * 100000u);
}

// Here the silence is that of a server that works, since a test can't take a machine off the network: after
// less time than TCP's probes need, nothing was heard either way.
TEST(TlsFairnessTest, AConnectionWithoutASignOfLifeIsGivenUp) {
  Gate gate;
  OneSpecialNode backend("ana", [&] { return gate.wait(); });
  TlsServed served({}, &backend);
  HttpTarget target;
  target.address = served.address();
  target.pins = {served.pin()};
  target.authorization = api::encode_authorization(backend.rest.nodes.enrol("ana"));
  target.lost_after = milliseconds(1200);
  HttpClient client(target);
  const api::Request request = api::begin_request(BeginRequest{.run = random_id<RunId>()});
  Exchange exchange;
  exchange.request = &request;
  const auto answer = client.perform(exchange);
  gate.open();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_NE(answer.error().message.find("nothing was heard"), std::string::npos) << answer.error().message;
}

}  // namespace
}  // namespace rb::net
