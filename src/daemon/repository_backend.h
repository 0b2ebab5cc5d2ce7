// What the protocol's service serves: a repository, with the server's keys beside it and, once it runs, the
// listener in front. Thread-safe.
#pragma once

#include <atomic>
#include <mutex>

#include "api/backend.h"
#include "daemon/care.h"
#include "daemon/collecting.h"
#include "daemon/config.h"
#include "net/server.h"

namespace rb::daemon {

class RepositoryBackend final : public api::Backend {
 public:
  RepositoryBackend(LocalRepository& repository, std::string directory, Config config);

  // From here on the server says where it can be reached, and what goes through it, until it is taken away
  // with nullptr. Requests are answered before and after.
  void use_server(net::Server* server) { server_ = server; }
  // Until it is taken away with nullptr, which waits for nobody: the server is stopped first.
  void use_care(Care* care) { care_ = care; }
  void use_collecting(Collecting* collecting) { collecting_ = collecting; }
  void use_config(const Config& config);  // the part that may change while it runs
  // Reads the TLS files again, where there is a server that uses them.
  Status reload_tls();

  Result<Caller> caller_of(const api::Peer& peer) override;
  Result<std::unique_ptr<Store>> store_for(const Caller& caller) override;
  NodeRegistry& registry() override { return repository_.registry(); }
  HistoryKeeper* history() override { return &repository_.history(); }
  RepositoryId repository() override { return repository_.id(); }
  std::optional<api::KeyPin> next_key() override;
  Result<api::KeyPin> make_next_key() override;
  Result<api::KeyPin> switch_key() override;
  Result<api::Reach> reach(const std::string& address) override;
  api::GarbageCollector* collector() override { return collecting_; }
  api::Checker* checker() override { return care_; }
  api::BackendState state() override;
  api::TransportState transport() override;

 private:
  Config config() const;
  Status check_own_keys() const;
  std::vector<std::string> listening() const;
  Result<std::optional<api::KeyPin>> read_next_key();

  LocalRepository& repository_;
  const std::string directory_;
  std::atomic<net::Server*> server_{nullptr};
  std::atomic<Care*> care_{nullptr};
  std::atomic<Collecting*> collecting_{nullptr};
  std::mutex keys_mutex_;  // one change of the files at a time
  mutable std::mutex mutex_;
  Config config_;
  // Read again only when it is forgotten: each begin asks for it.
  bool next_key_is_known_ = false;
  std::optional<api::KeyPin> next_key_;
};

// The files a server with this configuration uses.
net::TlsFiles tls_files(const std::string& directory, const Config& config);
std::string tls_directory(const std::string& directory);

// The address for a link: where one is listened at, if that is one machine's; else this machine's name.
std::string reachable_address(const std::string& listening, const std::string& host_name);

}  // namespace rb::daemon
