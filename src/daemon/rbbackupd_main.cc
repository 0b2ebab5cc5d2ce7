#include <csignal>
#include <exception>

#include <fmt/format.h>

#include "base/heap.h"
#include "daemon/log_output.h"
#include "daemon/options.h"
#include "daemon/serve.h"
#include "daemon/verbs.h"

namespace {

// Each thread of the pools would have one of its own, and each keeps what it held at most: 90 MiB more, after
// a restore of 300,000 files.
constexpr int kMallocArenas = 2;

rb::Status run(const rb::daemon::Options& options) {
  // Also where the file is broken: then more than ever.
  if (options.verb == rb::daemon::Verb::config) return rb::daemon::run_verb(options, {});
  RB_TRY(rb::daemon::Config config, rb::daemon::load_config(options.directory));
  config = with_options(std::move(config), options);
  rb::daemon::open_log(config.log_format, options.verb == rb::daemon::Verb::serve || options.verbose
                                              ? config.log_level
                                              : "error");
  if (options.verb == rb::daemon::Verb::serve) return rb::daemon::serve(options, std::move(config));
  return rb::daemon::run_verb(options, config);
}

int run(int argc, char** argv) {
  const auto options = rb::daemon::parse_options({argv + 1, argv + argc});
  if (!options) return options.error();
  const rb::Status done = run(*options);
  if (done) return 0;
  fmt::print(stderr, "rbbackupd: {}\n", done.error().message);
  const bool found_damage =
      options->verb == rb::daemon::Verb::check && done.error().code == rb::Errc::corrupt;
  return found_damage ? 3 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  rb::keep_freed_memory(kMallocArenas);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // memory, or a library
    fmt::print(stderr, "rbbackupd: {}\n", error.what());
    return 1;
  }
}
