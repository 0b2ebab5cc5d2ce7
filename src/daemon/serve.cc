#include "daemon/serve.h"

#include <chrono>

#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "api/service.h"
#include "base/log.h"
#include "daemon/administrator.h"
#include "daemon/collecting.h"
#include "daemon/log_output.h"
#include "daemon/opening_report.h"
#include "daemon/pruning.h"
#include "daemon/repository_backend.h"
#include "daemon/schedule.h"
#include "daemon/service_manager.h"
#include "net/server.h"
#include "net/tls_identity.h"

namespace rb::daemon {

namespace {

// Running requests get this long to finish; a client retries what is cut, so nothing is lost by being strict.
constexpr std::chrono::seconds kStopGrace{10};
// How often leases are looked at: small against the lease itself.
constexpr std::chrono::seconds kLeaseCheck{5};

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}

// With a new repository comes the file that explains its settings. One that is there is somebody's.
Status write_default_config(const std::string& directory) {
  const std::unique_ptr<FileSystem> files = make_posix_file_system();
  const std::string path = config_path(directory);
  RB_TRY(const bool exists, files->exists(path));
  if (exists) return {};
  return write_file_atomically(*files, path, as_bytes(default_config_text()));
}

// Where everything stays there is nothing to do each day.
std::chrono::seconds prune_interval(const Config& config) {
  const bool has_rules = config.retention.standard || !config.retention.by_node.empty();
  return has_rules ? config.prune_every : std::chrono::seconds(0);
}

void announce_ready(int fd) {
  if (fd < 0) return;
  if (::write(fd, "\n", 1) != 1) log(LogLevel::warning, "nobody reads the descriptor of --ready-fd");
  ::close(fd);
}

class Daemon {
 public:
  Daemon(const Options& options, Config config) : options_(options), config_(std::move(config)) {}

  Status start() {
    const sigset_t set = awaited_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    RB_TRY(std::vector<int> inherited, inherited_sockets());
    RB_TRY(repository_, LocalRepository::open(options_.directory, repository_options(config_)));
    log_opening(repository_->report(), options_.directory);
    if (repository_->report().created) RB_TRY(write_default_config(options_.directory));
    backend_ = std::make_unique<RepositoryBackend>(*repository_, options_.directory, config_);
    care_ = std::make_unique<Care>(*repository_, config_);
    backend_->use_care(care_.get());
    collecting_ = std::make_unique<Collecting>(*repository_);
    collecting_->use_copy_removal([this] { return care_->remove_copies(); });
    backend_->use_collecting(collecting_.get());
    service_ = std::make_unique<api::Service>(*backend_, clock_, api::ServiceOptions{.lease = config_.lease});
    RB_TRY(net::ServerOptions server_options, server_options_with(std::move(inherited)));
    const std::string socket = server_options.socket_path;
    RB_TRY(server_, net::Server::start(*service_, std::move(server_options)));
    backend_->use_server(server_.get());
    say_where(socket);
    if (!socket.empty()) RB_TRY(note_socket(options_.directory, socket));
    collecting_->start();
    schedule_ = std::make_unique<Schedule>(clock_, chores());
    schedule_->start();
    care_->start();
    return {};
  }

  void run() {
    notify_ready("serving " + options_.directory);
    announce_ready(options_.ready_fd);
    const sigset_t set = awaited_signals();
    const timespec interval{kLeaseCheck.count(), 0};
    for (;;) {
      const int signal = ::sigtimedwait(&set, nullptr, &interval);
      service_->expire_leases();
      if (signal == SIGHUP) reload();
      if (signal != SIGTERM && signal != SIGINT) continue;
      log(LogLevel::info, "stopping on {}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
      return;
    }
  }

  void stop() {
    notify_stopping();
    collecting_->stop();
    schedule_.reset();
    server_->stop(kStopGrace);
    backend_->use_server(nullptr);
    server_.reset();
    service_->fence_all();
    service_.reset();
    care_->stop();
    backend_.reset();
    care_.reset();
    collecting_.reset();
    repository_.reset();
    log(LogLevel::info, "stopped");
  }

 private:
  // Sockets that were handed over take the place of the usual one; one that is asked for is made beside them.
  Result<net::ServerOptions> server_options_with(std::vector<int> inherited) {
    net::ServerOptions out;
    out.socket_path = config_.socket;
    if (out.socket_path.empty() && inherited.empty()) out.socket_path = default_socket();
    out.listen = config_.listen;
    const bool may_be_tcp = !out.listen.empty() || !inherited.empty();
    out.inherited = std::move(inherited);
    if (may_be_tcp) {
      if (config_.tls_certificate.empty())
        RB_TRY(net::ensure_tls_identity(tls_directory(options_.directory)));
      out.tls = tls_files(options_.directory, config_);
    }
    out.max_connections = config_.connections;
    out.max_connections_per_share = config_.connections_per_node;
    out.bytes_per_second = config_.bandwidth;
    out.share_bytes_per_second = config_.node_bandwidth;
    return out;
  }

  // Pruning first: what it lets go is judged by the collection after its grace.
  std::vector<Chore> chores() {
    HistoryKeeper& history = repository_->history();
    return {{.failure = "nothing was pruned",
             .interval = prune_interval(config_),
             .last = [&history] { return history.counters().last_pruning; },
             .run = [&history] { return prune_and_log(history); }},
            {.failure = "nothing was collected",
             .interval = config_.collect_every,
             .last = [this] { return collecting_->last(); },
             .run = [this] { return collecting_->collect_and_log(); }}};
  }

  void say_where(const std::string& socket) const {
    std::vector<std::string> where;
    if (!socket.empty()) where.push_back("unix:" + socket);
    for (const std::string& address : server_->addresses())
      where.push_back("https://" + address);
    if (where.empty()) where.emplace_back("the sockets that were handed over");
    log(LogLevel::info, "serving {} on {}", options_.directory, fmt::join(where, ", "));
  }

  // What is wrong with the new settings is said, and the old ones stay.
  void reload() {
    notify_reloading();
    const Status done = try_reload();
    if (done) log(LogLevel::info, "reloaded");
    if (!done) log(LogLevel::error, "nothing was changed: {}", done.error().message);
    notify_ready("serving " + options_.directory);
  }

  Status try_reload() {
    RB_TRY(Config loaded, load_config(options_.directory));
    const Config wanted = with_options(std::move(loaded), options_);
    RB_TRY(backend_->reload_tls());
    backend_->use_config(wanted);
    schedule_->set_intervals({prune_interval(wanted), wanted.collect_every});
    set_log_level(wanted.log_level);
    const std::vector<std::string> later = changes_for_next_start(config_, wanted);
    if (!later.empty())
      log(LogLevel::warning, "these settings wait for the next start: {}", fmt::join(later, ", "));
    return {};
  }

  const Options& options_;
  const Config config_;  // as it was at the start
  const SystemClock clock_;
  std::unique_ptr<LocalRepository> repository_;
  std::unique_ptr<Care> care_;
  std::unique_ptr<Collecting> collecting_;
  std::unique_ptr<RepositoryBackend> backend_;
  std::unique_ptr<api::Service> service_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<Schedule> schedule_;
};

}  // namespace

RepositoryOptions repository_options(const Config& config) {
  RepositoryOptions out;
  out.max_sessions = config.max_clients;
  out.max_sessions_per_node = config.sessions_per_node;
  out.space = config.space;
  out.default_quota = config.quota;
  out.node_quotas = config.node_quotas;
  out.retention = config.retention;
  return out;
}

Status serve(const Options& options, Config config) {
  Daemon daemon(options, std::move(config));
  RB_TRY(daemon.start());
  daemon.run();
  daemon.stop();
  return {};
}

}  // namespace rb::daemon
