#include "daemon/options.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace rb::daemon {

namespace {

constexpr std::string_view kHelp = R"(rbbackupd: keeps the backups that rbbackup makes.

  rbbackupd DIR [--socket PATH] [--max-clients N] [-v]
      serves the repository in DIR, and creates it when DIR is new or empty

      --socket PATH      the Unix socket to listen on (default: $XDG_RUNTIME_DIR/rbbackupd.sock;
                         root: /run/rbbackupd.sock). Whoever calls is known by the kernel's word: root and the
                         owner of DIR share this machine's node, every other user has one of their own.
      --max-clients N    sessions at a time (default 1000); the others wait their turn
      --ready-fd FD      write a newline to FD once the socket is open
      -v, --verbose      log each session
      --version

SIGTERM and SIGINT stop it after the requests under way; after a crash just start it again.
Exit status: 0 stopped in order, 1 failed, 2 usage.
)";

// Words of later versions that stand behind DIR.
constexpr std::array<std::string_view, 10> kLaterVerbs = {"invite", "nodes", "remove", "rename", "check",
                                                          "gc",     "prune", "stats",  "scrub",  "undelete"};

std::string default_socket() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (::geteuid() != 0 && runtime != nullptr && runtime[0] == '/')
    return std::string(runtime) + "/rbbackupd.sock";
  return "/run/rbbackupd.sock";
}

int usage(const std::string& what) {
  fmt::print(stderr, "rbbackupd: {}\nTry 'rbbackupd -h'.\n", what);
  return 2;
}

}  // namespace

std::expected<Options, int> parse_options(std::vector<std::string> arguments) {
  Options options;
  std::vector<std::string> words;
  bool wants_help = false, wants_version = false;
  CLI::App app;
  app.set_help_flag();
  app.add_flag("-h,--help", wants_help);
  app.add_flag("--version", wants_version);
  app.add_option("--socket", options.socket_path);
  app.add_option("--max-clients", options.max_clients)
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
  app.add_option("--ready-fd", options.ready_fd);
  app.add_flag("-v,--verbose", options.verbose);
  app.add_option("DIR", words);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes a stack
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return std::unexpected(usage(error.what()));
  }
  if (wants_help) {
    fmt::print("{}", kHelp);
    return std::unexpected(0);
  }
  if (wants_version) {
    fmt::print("rbbackupd {}\n", RB_VERSION);
    return std::unexpected(0);
  }
  if (words.empty()) return std::unexpected(usage("which directory? usage: rbbackupd DIR"));
  if (words.size() > 1) {
    const bool later = std::find(kLaterVerbs.begin(), kLaterVerbs.end(), words[1]) != kLaterVerbs.end();
    return std::unexpected(usage(later ? fmt::format("'{}' is a command of a later version", words[1])
                                       : fmt::format("what is '{}'?", words[1])));
  }
  options.directory = words[0];
  if (options.socket_path.empty()) options.socket_path = default_socket();
  return options;
}

}  // namespace rb::daemon
