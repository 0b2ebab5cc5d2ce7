// Where libraries say things for the operator. Programs install a sink (the daemon: spdlog); without one
// nothing is printed. Never pass a secret, nor a client's bytes without quoting.
#pragma once

#include <functional>
#include <string>

#include <fmt/format.h>

namespace rb {

enum class LogLevel : std::uint8_t { debug, info, warning, error };
using LogSink = std::function<void(LogLevel, const std::string&)>;

// Call before any thread is started.
void set_log_sink(LogSink sink);
void log_message(LogLevel level, const std::string& text);

template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  log_message(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace rb
