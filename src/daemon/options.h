// What rbbackupd was asked to do: its command line as a value.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config.h"

namespace rb::daemon {

enum class Verb : std::uint8_t {
  serve,
  invite,
  nodes,
  remove,
  rename,
  new_key,
  admin_token,
  admin_tokens,
  revoke_token,
  config,
  check,
  prune,
  snapshots,
  pin,
  unpin,
  undelete,
  stats,
  gc
};

struct Options {
  std::string directory;
  Verb verb = Verb::serve;
  std::vector<std::string> words;  // behind the verb, as many as it takes

  // Over the configuration:
  std::optional<std::string> socket_path;
  std::vector<std::string> listen;  // instead of the configured ones, where not empty
  std::optional<std::string> tls_certificate, tls_key;
  std::optional<std::size_t> max_clients;
  std::optional<LogFormat> log_format;
  bool verbose = false;
  int ready_fd = -1;  // gets a newline once the server listens; -1: nobody waits

  // Of single verbs:
  std::string group, address;
  std::string node;
  std::string name;
  bool dry_run = false;
  std::optional<std::chrono::seconds> expires;
  bool json = false;
  bool switch_key = false;
  bool data = false, unpack = false;
  bool though_damaged = false;
  bool damaged_copies = false;
  std::uint64_t rate = 0;  // bytes a second; 0: no limit
};

// Gives an exit status instead when the program ends here: 0 after -h or --version, 2 after a mistake.
std::expected<Options, int> parse_options(std::vector<std::string> arguments);

// The configuration as the command line leaves it.
Config with_options(Config config, const Options& options);

// Where a server listens that was not told: of root's, or of this user's own.
std::string default_socket();

}  // namespace rb::daemon
