// Where the log goes: standard error, as lines for people or one JSON object a line.
#pragma once

#include <cstdint>
#include <string>

#include "daemon/config.h"

namespace rb::daemon {

// Call before any thread is started.
void open_log(LogFormat format, const std::string& level);
// Of Config::log_level; at any time.
void set_log_level(const std::string& level);

// The fields of a JSON line that are ours to write; `request` 0: none.
std::string json_log_fields(const std::string& message, std::uint64_t request);

}  // namespace rb::daemon
