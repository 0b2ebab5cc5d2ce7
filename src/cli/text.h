// Values as people read them.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "format/entry.h"

namespace rb::cli {

// A path for a terminal or a log: control characters, backslashes and bytes that are no UTF-8 are escaped as
// \n, \\, \xNN, so that a hostile name can neither steer the terminal nor look like two lines.
std::string printable(std::string_view bytes);

// "0 B", "999 B", "1.2 KiB", "34.5 MiB" ...
std::string human_bytes(std::uint64_t bytes);
// Reads "0", "512", "64K", "256M", "1G" (powers of 1024).
Result<std::uint64_t> parse_size(const std::string& text);
// "1,234,567"
std::string grouped(std::uint64_t number);
// "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"
std::string human_seconds(double seconds);
// "2026-11-01 14:30:05" in the local zone.
std::string local_time(const Timestamp& time);
// "2026-11-01T13:30:05.000000012Z"
std::string iso_time(const Timestamp& time);
// "drwxr-sr-x"
std::string mode_text(EntryType type, std::uint32_t mode);

}  // namespace rb::cli
