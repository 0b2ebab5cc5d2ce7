#include "daemon/repository_backend.h"

#include <array>

#include <fmt/format.h>
#include <unistd.h>

#include "api/address.h"
#include "api/service.h"
#include "base/log.h"
#include "net/tls_identity.h"

namespace rb::daemon {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

bool stands_for_all(const std::string& host) {
  return host == "0.0.0.0" || host == "::";
}

api::Histogram histogram_of(const net::ServerStats& stats) {
  api::Histogram out;
  out.upper_bounds.assign(stats.kSecondsUpTo.begin(), stats.kSecondsUpTo.end());
  out.counts.assign(stats.requests_taking.begin(), stats.requests_taking.end());
  out.sum = stats.request_seconds;
  return out;
}

api::TransportState transport_of(const net::ServerStats& stats) {
  api::TransportState out;
  const auto add = [&](const char* name, const char* help, bool is_counter, std::uint64_t value) {
    out.numbers.push_back({name, help, is_counter, static_cast<double>(value)});
  };
  add("connections_open_unix", "Connections on Unix sockets.", false, stats.open_unix);
  add("connections_open_tls", "Connections over TLS.", false, stats.open_tls);
  add("connections_open_proven", "Connections that showed who they are.", false, stats.open_proven);
  add("nodes_connected", "Nodes with a connection.", false, stats.nodes_connected);
  add("connections_max", "Connections there is room for.", false, stats.max_connections);
  add("connections_accepted_total", "Connections taken.", true, stats.accepted);
  add("connections_refused_total", "Connections there was no room for.", true, stats.refused_full);
  add("connections_evicted_total", "Idle connections closed for others.", true, stats.evicted);
  add("connections_timed_out_total", "Connections closed for making no progress.", true, stats.timed_out);
  add("handshakes_total", "TLS handshakes that succeeded.", true, stats.handshakes);
  add("handshakes_failed_total", "TLS handshakes that failed.", true, stats.handshakes_failed);
  add("throttled_total", "Requests answered with 429.", true, stats.throttled);
  add("received_bytes_total", "Bytes of requests.", true, stats.bytes_in);
  add("sent_bytes_total", "Bytes of answers.", true, stats.bytes_out);
  add("body_bytes_held", "Memory of bodies being received.", false, stats.body_bytes_held);
  out.request_seconds = histogram_of(stats);
  return out;
}

}  // namespace

std::string tls_directory(const std::string& directory) {
  return directory + "/tls";
}

net::TlsFiles tls_files(const std::string& directory, const Config& config) {
  if (!config.tls_certificate.empty()) return {config.tls_certificate, config.tls_key};
  return net::tls_files_in(tls_directory(directory));
}

std::string reachable_address(const std::string& listening, const std::string& host_name) {
  std::optional<api::Address> address = api::parse_address(listening);
  if (!address) return listening;
  if (stands_for_all(address->host)) address->host = host_name;
  return api::to_string(*address);
}

RepositoryBackend::RepositoryBackend(LocalRepository& repository, std::string directory, Config config)
    : repository_(repository), directory_(std::move(directory)), config_(std::move(config)) {}

void RepositoryBackend::use_config(const Config& config) {
  repository_.set_quotas(config.quota, config.node_quotas);
  repository_.set_retention(config.retention);
  if (Care* care = care_) care->use_config(config);
  const std::lock_guard lock(mutex_);
  config_.public_address = config.public_address;
  config_.quota = config.quota;
  config_.node_quotas = config.node_quotas;
  config_.retention = config.retention;
}

Status RepositoryBackend::reload_tls() {
  {
    const std::lock_guard lock(mutex_);
    next_key_is_known_ = false;
  }
  net::Server* server = server_;
  if (server == nullptr || server->addresses().empty()) return {};
  return server->reload_tls();
}

Config RepositoryBackend::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

Result<Caller> RepositoryBackend::caller_of(const api::Peer& peer) {
  return repository_.caller_of({peer.uid, peer.user});
}

Result<std::unique_ptr<Store>> RepositoryBackend::store_for(const Caller& caller) {
  return repository_.store_for(caller);
}

std::optional<api::KeyPin> RepositoryBackend::next_key() {
  const std::lock_guard lock(mutex_);
  if (!next_key_is_known_) {
    next_key_.reset();
    const auto read = read_next_key();
    // Backups go on without the announcement; it is in the log until somebody mends it.
    if (read) next_key_ = *read;
    if (!read) log(LogLevel::warning, "the next key can't be announced: {}", read.error().message);
    next_key_is_known_ = true;
  }
  return next_key_;
}

// Requires: mutex_.
Result<std::optional<api::KeyPin>> RepositoryBackend::read_next_key() {
  if (!config_.tls_certificate.empty()) return std::nullopt;
  return net::pin_of_next_tls_key(tls_directory(directory_));
}

Status RepositoryBackend::check_own_keys() const {
  if (config().tls_certificate.empty()) return {};
  return fail(Errc::unsupported,
              "this server uses a certificate of your own (tls in config.toml, or --tls-cert): its keys are "
              "yours to make");
}

Result<api::KeyPin> RepositoryBackend::make_next_key() {
  RB_TRY(check_own_keys());
  const std::lock_guard one_at_a_time(keys_mutex_);
  const std::string directory = tls_directory(directory_);
  RB_TRY(net::ensure_tls_identity(directory));
  RB_TRY(net::make_next_tls_key(directory));
  RB_TRY(const std::optional<api::KeyPin> pin, net::pin_of_next_tls_key(directory));
  if (!pin) return fail(Errc::io, "the next key was made and is not there");
  const std::lock_guard lock(mutex_);
  next_key_is_known_ = false;
  return *pin;
}

Result<api::KeyPin> RepositoryBackend::switch_key() {
  RB_TRY(check_own_keys());
  const std::lock_guard one_at_a_time(keys_mutex_);
  const Status switched = net::switch_to_next_tls_key(tls_directory(directory_));
  if (!switched && switched.error().code == Errc::not_found) {
    return fail(Errc::not_found,
                "there is no next key: make one with 'rbbackupd DIR new-key', and switch to it when "
                "the machines have learned of it");
  }
  RB_TRY(switched);
  RB_TRY(reload_tls());
  return net::pin_of_certificate(tls_files(directory_, config()).certificate);
}

// Without a server, what the configuration says would be listened at.
std::vector<std::string> RepositoryBackend::listening() const {
  net::Server* server = server_;
  return server != nullptr ? server->addresses() : config().listen;
}

Result<api::Reach> RepositoryBackend::reach(const std::string& address) {
  const std::vector<std::string> addresses = listening();
  if (addresses.empty()) {
    return fail(Errc::unsupported,
                fmt::format("nothing could join: the server does not listen on the network. Start it with "
                            "--listen ADDR:PORT, or set 'listen' in {}",
                            config_path(directory_)));
  }
  const Config config = this->config();
  if (config.tls_certificate.empty()) RB_TRY(net::ensure_tls_identity(tls_directory(directory_)));
  api::Reach reach;
  RB_TRY(reach.pin, net::pin_of_certificate(tls_files(directory_, config).certificate));
  reach.address = address;
  if (reach.address.empty()) reach.address = config.public_address;
  if (reach.address.empty()) reach.address = reachable_address(addresses.front(), host_name());
  return reach;
}

api::BackendState RepositoryBackend::state() {
  const RepositoryState now = repository_.state();
  api::BackendState out;
  out.read_only = !now.read_only_reason.empty();
  out.read_only_reason = now.read_only_reason;
  out.object_count = now.object_count;
  out.stored_bytes = now.stored_bytes;
  out.open_sessions = repository_.open_sessions();
  return out;
}

api::TransportState RepositoryBackend::transport() {
  net::Server* server = server_;
  api::TransportState out = server != nullptr ? transport_of(server->stats()) : api::TransportState{};
  const RetentionCounters retention = repository_.history().counters();
  const auto add = [&](const char* name, const char* help, bool is_counter, double value) {
    out.numbers.push_back({name, help, is_counter, value});
  };
  if (retention.last_pruning) {
    add("last_pruning_timestamp_seconds", "When all nodes were pruned last.", false,
        static_cast<double>(retention.last_pruning->seconds));
  }
  add("snapshots_deleted_total", "Snapshots that pruning let go.", true,
      static_cast<double>(retention.deleted));
  add("prune_failures_total", "Prunings that failed.", true, static_cast<double>(retention.failures));
  if (const Collecting* collecting = collecting_) {
    const std::vector<api::NamedNumber> numbers = collecting->numbers();
    out.numbers.insert(out.numbers.end(), numbers.begin(), numbers.end());
  }
  if (const Care* care = care_) {
    const std::vector<api::NamedNumber> numbers = care->numbers();
    out.numbers.insert(out.numbers.end(), numbers.begin(), numbers.end());
  }
  return out;
}

}  // namespace rb::daemon
