// A store in memory behind a service behind a server on a Unix socket of the test's own.
#pragma once

#include "api/service.h"
#include "net/remote_store.h"
#include "net/server.h"
#include "store/memory_store.h"
#include "support/temp_directory.h"

namespace rb::test {

// Lends a store to whoever wants to own one.
class BorrowedStore final : public Store {
 public:
  explicit BorrowedStore(Store& store) : store_(store) {}
  Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override {
    return store_.begin(request);
  }

 private:
  Store& store_;
};

class ServedStore {
 public:
  explicit ServedStore(net::ServerOptions options = {}, api::ServiceOptions service_options = {},
                       Store* instead = nullptr)
      : memory(make_memory_repository({}), "ana"),
        service([this, instead](const api::Peer&) { return lend(instead ? *instead : memory); }, clock,
                service_options),
        options_(std::move(options)) {
    options_.socket_path = path();
    start();
  }

  std::string path() const { return directory / "sock"; }
  void start() {
    auto started = net::Server::start(service, options_);
    ASSERT_TRUE(started) << started.error().message;
    server = std::move(*started);
  }
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(5)) {
    server->stop(grace);
    server.reset();
  }

  TempDirectory directory;
  SystemClock clock;
  MemoryStore memory;
  api::Service service;
  std::unique_ptr<net::Server> server;

 private:
  static Result<std::unique_ptr<Store>> lend(Store& store) { return std::make_unique<BorrowedStore>(store); }
  net::ServerOptions options_;
};

}  // namespace rb::test
