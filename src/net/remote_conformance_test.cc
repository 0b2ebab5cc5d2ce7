// What every Store promises, across a real socket and over TLS: RemoteStore, the server, the service, a store
// in memory.
#include <map>

#include "support/net_fixture.h"
#include "support/store_conformance.h"
#include "support/tls_fixture.h"

namespace rb::test {
namespace {

// A server for each user: all connections of a test come from one uid, and a peer's uid is what tells users
// apart.
class RemoteHost final : public StoreHost {
 public:
  std::unique_ptr<Store> store_of(const std::string& user) override {
    std::unique_ptr<Served>& served = users_[user];
    if (!served) served = std::make_unique<Served>(repository_, user, directory_ / user);
    return net::make_remote_store({.socket_path = directory_ / user});
  }
  void fence_all() override {
    for (const auto& [user, served] : users_)
      served->memory.fence_all();
  }

 private:
  struct Served {
    Served(std::shared_ptr<MemoryRepository> repository, const std::string& user, const std::string& path)
        : memory(std::move(repository), user),
          service(
              [this](const api::Peer&) -> Result<std::unique_ptr<Store>> {
                return std::make_unique<BorrowedStore>(memory);
              },
              clock, {}) {
      auto started = net::Server::start(service, {.socket_path = path});
      EXPECT_TRUE(started) << started.error().message;
      if (started) server = std::move(*started);
    }
    SystemClock clock;
    MemoryStore memory;
    api::Service service;
    std::unique_ptr<net::Server> server;
  };

  TempDirectory directory_;
  std::shared_ptr<MemoryRepository> repository_ = make_memory_repository({});
  std::map<std::string, std::unique_ptr<Served>> users_;
};

// Every user is a node with a credential of its own; all of them speak to one server over TLS.
class TlsHost final : public StoreHost {
 public:
  std::unique_ptr<Store> store_of(const std::string& user) override {
    if (!credentials_.contains(user)) credentials_[user] = served_.backend.nodes.enrol(user);
    return net::make_remote_store(served_.remote(credentials_.at(user)));
  }
  void fence_all() override { served_.service.fence_all(); }

 private:
  TlsServed served_;
  std::map<std::string, Credential> credentials_;
};

INSTANTIATE_TEST_SUITE_P(Remote, StoreConformance,
                         testing::Values(StoreMaker{"remote",
                                                    [] { return std::make_unique<RemoteHost>(); }}));
INSTANTIATE_TEST_SUITE_P(Tls, StoreConformance,
                         testing::Values(StoreMaker{"tls", [] { return std::make_unique<TlsHost>(); }}));

}  // namespace
}  // namespace rb::test
