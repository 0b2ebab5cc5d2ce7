// What rbbackupd was asked to do: its command line as a value.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

namespace rb::daemon {

struct Options {
  std::string directory;
  std::string socket_path;  // never empty after parsing
  std::size_t max_clients = 1000;
  int ready_fd = -1;  // gets a newline once the socket is open; -1: nobody waits
  bool verbose = false;
};

// Gives an exit status instead when the program ends here: 0 after -h or --version, 2 after a mistake.
std::expected<Options, int> parse_options(std::vector<std::string> arguments);

}  // namespace rb::daemon
