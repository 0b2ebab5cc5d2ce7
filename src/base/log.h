// Where libraries say things for the operator. Programs install a sink (the daemon: spdlog); without one
// nothing is printed. Never pass a secret, nor a client's bytes without quoting.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <fmt/format.h>

namespace rb {

enum class LogLevel : std::uint8_t { debug, info, warning, error };
using LogSink = std::function<void(LogLevel, const std::string&)>;

// Says which request the calling thread works on, for what is logged meanwhile.
class LogRequest {
 public:
  explicit LogRequest(std::uint64_t id);
  ~LogRequest();
  LogRequest(const LogRequest&) = delete;
  static std::uint64_t current();  // 0: none
};

// Call before any thread is started.
void set_log_sink(LogSink sink);
void log_message(LogLevel level, const std::string& text);

template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  log_message(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace rb
