// Amounts as people write them in options and configurations: "10 GiB", "20 MiB/s", "90m". Pure functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rb::daemon {

// A number, also with a fraction, and B, KiB, MiB, GiB, TiB, kB, MB, GB or TB; without a unit: bytes.
std::optional<std::uint64_t> parse_bytes(std::string_view text);
// The same, and "/s".
std::optional<std::uint64_t> parse_rate(std::string_view text);
// A whole number of s, m, h or d; "0" needs no unit.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

std::string format_bytes(std::uint64_t bytes);

}  // namespace rb::daemon
