#include "daemon/serve.h"

#include <chrono>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "api/service.h"
#include "base/log.h"
#include "net/server.h"
#include "repository/local_repository.h"

namespace rb::daemon {

namespace {

// Running requests get this long to finish; a client retries what is cut, so nothing is lost by being strict.
constexpr std::chrono::seconds kStopGrace{10};
// How often leases are looked at: small against the lease itself.
constexpr std::chrono::seconds kLeaseCheck{10};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

void say_what_opening_found(const RepositoryReport& report, const std::string& directory) {
  if (report.created) log(LogLevel::info, "created a repository in {}", directory);
  if (report.catalog_rebuilt) {
    log(LogLevel::warning, "rebuilt the catalog from packs and journal: {} records in {:.1f} s",
        report.records_applied, report.seconds);
  } else if (report.records_applied > 0) {
    log(LogLevel::info, "applied {} records that the catalog did not have yet", report.records_applied);
  }
  if (report.skipped_bytes > 0) {
    log(LogLevel::warning,
        "passed over {} bytes in the packs that are no whole record (normal after a crash)",
        report.skipped_bytes);
  }
}

void announce_ready(int fd) {
  if (fd < 0) return;
  if (::write(fd, "\n", 1) != 1) log(LogLevel::warning, "nobody reads the descriptor of --ready-fd");
  ::close(fd);
}

int wait_for_stop(api::Service& service) {
  const sigset_t set = stop_signals();
  const timespec interval{kLeaseCheck.count(), 0};
  for (;;) {
    const int signal = ::sigtimedwait(&set, nullptr, &interval);
    if (signal > 0) return signal;
    service.expire_leases();
  }
}

}  // namespace

Status serve(const Options& options) {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);

  const SystemClock clock;
  RepositoryOptions repository_options;
  repository_options.clock = &clock;
  repository_options.max_sessions = options.max_clients;
  RB_TRY(auto repository, LocalRepository::open(options.directory, std::move(repository_options)));
  say_what_opening_found(repository->report(), options.directory);

  api::Service service(
      [&](const api::Peer& peer) {
        return repository->store_for(LocalUser{peer.uid, peer.user});
      },
      clock, {});
  net::ServerOptions server_options;
  server_options.socket_path = options.socket_path;
  RB_TRY(auto server, net::Server::start(service, std::move(server_options)));
  log(LogLevel::info, "serving {} on unix:{}", options.directory, options.socket_path);
  announce_ready(options.ready_fd);

  const int signal = wait_for_stop(service);
  log(LogLevel::info, "stopping on {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
  server->stop(kStopGrace);
  server.reset();
  service.fence_all();
  repository.reset();
  log(LogLevel::info, "stopped");
  return {};
}

}  // namespace rb::daemon
