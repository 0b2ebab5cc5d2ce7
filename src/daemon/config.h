// What rbbackupd goes by: DIR/config.toml as a value (docs/administration.md). Every setting has a default,
// and the file that is made with a repository shows them all, commented out.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "repository/local_repository.h"

namespace rb::daemon {

enum class LogFormat : std::uint8_t { text, json };

struct Config {
  std::vector<std::string> listen;
  std::string socket;                    // empty: the usual place of who runs the server
  std::string public_address;            // HOST:PORT for links; empty: from what is listened at
  std::string tls_certificate, tls_key;  // empty: the server's own, in DIR/tls
  std::size_t max_clients = 1000;
  std::chrono::seconds lease{300};

  std::size_t connections = 20000;
  std::size_t connections_per_node = 64;
  std::size_t sessions_per_node = 64;
  std::uint64_t bandwidth = 0;  // bytes a second; 0: no limit
  std::uint64_t node_bandwidth = 0;

  SpaceLimits space{64ull << 20, 64ull << 20};

  Quota quota;
  std::map<std::string, Quota> node_quotas;

  RetentionSettings retention;
  std::chrono::seconds prune_every = std::chrono::hours(24);    // 0: only when somebody asks for it
  std::chrono::seconds collect_every = std::chrono::hours(24);  // likewise

  std::size_t parity_percent = 5;                     // 0: none
  std::chrono::seconds scrub_period{30 * 24 * 3600};  // 0: never
  std::uint64_t scrub_rate = 0;                       // bytes a second; 0: no limit

  std::string log_level = "info";
  LogFormat log_format = LogFormat::text;

  bool operator==(const Config&) const = default;
};

// `path` is for messages. Errc::invalid_argument with a line for each problem: "PATH:LINE: what is wrong".
Result<Config> parse_config(std::string_view text, const std::string& path);

// Of the repository in `directory`; one without the file has the defaults.
Result<Config> load_config(const std::string& directory);

// Every setting, with its default and its meaning, all commented out.
std::string default_config_text();

// The names of settings that differ and take effect at the next start only.
std::vector<std::string> changes_for_next_start(const Config& now, const Config& wanted);

std::string config_path(const std::string& directory);

// Shared with the command line.
bool is_log_level(std::string_view text);
inline constexpr std::size_t kMaxClientsLimit = 1'000'000;

}  // namespace rb::daemon
