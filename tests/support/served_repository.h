// A whole server in the process of a test: a repository, a service and a listener on a Unix socket of its
// own, and stores that speak to it as real clients do. The disk is one in memory, so that opening and syncing
// cost nothing, and time passes when the test says so.
#pragma once

#include <atomic>
#include <map>

#include "api/service.h"
#include "base/random.h"
#include "net/remote_store.h"
#include "net/server.h"
#include "support/fake_repository.h"
#include "support/temp_directory.h"

namespace rb::test {

// Claims and leases run out only when a test lets time pass, however slow the machine. Thread-safe.
class SteppedClock final : public Clock {
 public:
  Timestamp wall() const override { return SystemClock().wall(); }
  std::chrono::nanoseconds monotonic() const override { return std::chrono::nanoseconds(now_.load()); }
  void advance(std::chrono::nanoseconds time) { now_ += time.count(); }

 private:
  std::atomic<std::int64_t> now_{std::chrono::nanoseconds(std::chrono::hours(1)).count()};
};

class ServedRepository {
 public:
  explicit ServedRepository(api::ServiceOptions service_options = {}) : service_options_(service_options) {
    auto opened = LocalRepository::open(kFakeDirectory, fake_options(files_, catalog_, clock));
    if (!opened) ADD_FAILURE() << opened.error().message;
    repository = std::move(*opened);
    serve("host", [this](const api::Peer& peer) {
      return repository->store_for(LocalUser{peer.uid, peer.user});
    });
  }
  ~ServedRepository() {
    for (auto& [name, door] : doors_)
      door.server->stop(std::chrono::seconds(5));
    fence_all();
  }

  // Makes a node of this group, and a socket at which everybody is that node.
  void add_node(const std::string& name, const std::string& group) {
    const auto invitation = repository->registry().invite({.node = name, .group = group});
    ASSERT_TRUE(invitation) << invitation.error().message;
    const Credential credential{random_id<CredentialId>(), random_id<SecretKey>()};
    const auto joined = repository->registry().join({invitation->secret, credential});
    ASSERT_TRUE(joined) << joined.error().message;
    const auto caller = repository->registry().authenticate(credential);
    ASSERT_TRUE(caller) << caller.error().message;
    serve(name, [this, caller = *caller](const api::Peer&) { return repository->store_for(caller); });
  }

  // Of the host's node, or of one that was added.
  std::string socket_path(const std::string& node = "host") const { return directory_ / node; }
  // A client's store, over its own connections.
  std::unique_ptr<Store> connect(const std::string& node = "host") const {
    return connect_through(socket_path(node));
  }
  std::unique_ptr<Store> connect_through(const std::string& path) const {
    net::RemoteOptions options;
    options.socket_path = path;
    return net::make_remote_store(options);
  }
  // As a restart would, as far as sessions can tell.
  void fence_all() {
    for (auto& [name, door] : doors_)
      door.service->fence_all();
    repository->fence_sessions();
  }

  SteppedClock clock;
  std::unique_ptr<LocalRepository> repository;

 private:
  struct Door {
    std::unique_ptr<api::Service> service;
    std::unique_ptr<net::Server> server;
  };
  void serve(const std::string& name, api::StoreFactory store_for) {
    Door& door = doors_[name];
    door.service = std::make_unique<api::Service>(std::move(store_for), clock, service_options_);
    net::ServerOptions options;
    options.socket_path = socket_path(name);
    auto started = net::Server::start(*door.service, options);
    ASSERT_TRUE(started) << started.error().message;
    door.server = std::move(*started);
  }

  const api::ServiceOptions service_options_;
  FakeFileSystem files_;
  const std::shared_ptr<MemoryCatalogLog> catalog_ = std::make_shared<MemoryCatalogLog>();
  TempDirectory directory_;
  std::map<std::string, Door> doors_;
};

}  // namespace rb::test
