#include <csignal>
#include <exception>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/log.h"
#include "daemon/options.h"
#include "daemon/serve.h"

namespace {

void log_to_standard_error(bool verbose) {
  auto logger = spdlog::stderr_color_mt("rbbackupd");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(verbose ? spdlog::level::debug : spdlog::level::info);
  logger->flush_on(spdlog::level::info);
  rb::set_log_sink([logger](rb::LogLevel level, const std::string& text) {
    switch (level) {
      case rb::LogLevel::debug:
        return logger->debug("{}", text);
      case rb::LogLevel::info:
        return logger->info("{}", text);
      case rb::LogLevel::warning:
        return logger->warn("{}", text);
      case rb::LogLevel::error:
        return logger->error("{}", text);
    }
  });
}

int run(int argc, char** argv) {
  const auto options = rb::daemon::parse_options({argv + 1, argv + argc});
  if (!options) return options.error();
  log_to_standard_error(options->verbose);
  const rb::Status done = rb::daemon::serve(*options);
  if (done) return 0;
  fmt::print(stderr, "rbbackupd: {}\n", done.error().message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // memory, or a library
    fmt::print(stderr, "rbbackupd: {}\n", error.what());
    return 1;
  }
}
