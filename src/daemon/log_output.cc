#include "daemon/log_output.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "api/json_text.h"
#include "base/log.h"

namespace rb::daemon {

namespace {

constexpr char kName[] = "rbbackupd";

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

std::string json_log_fields(const std::string& message, std::uint64_t request) {
  std::string fields = "\"message\":" + api::json_text(message);
  if (request != 0) fields += fmt::format(",\"request\":\"{:x}\"", request);
  return fields;
}

void open_log(LogFormat format, const std::string& level) {
  const bool as_json = format == LogFormat::json;
  const auto logger = as_json ? spdlog::stderr_logger_mt(kName) : spdlog::stderr_color_mt(kName);
  logger->set_pattern(as_json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
                              : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->flush_on(spdlog::level::debug);
  set_log_sink([logger, as_json](LogLevel at, const std::string& text) {
    if (!logger->should_log(level_of(at))) return;
    const std::uint64_t request = LogRequest::current();
    if (as_json) return logger->log(level_of(at), "{}", json_log_fields(text, request));
    if (request == 0) return logger->log(level_of(at), "{}", text);
    logger->log(level_of(at), "[{:x}] {}", request, text);
  });
  set_log_level(level);
}

void set_log_level(const std::string& level) {
  // spdlog's names are ours.
  if (const auto logger = spdlog::get(kName)) logger->set_level(spdlog::level::from_str(level));
}

}  // namespace rb::daemon
