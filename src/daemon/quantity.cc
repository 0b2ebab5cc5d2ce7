#include "daemon/quantity.h"

#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

namespace rb::daemon {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr Unit kByteUnits[] = {
    {"", 1},      {"B", 1},      {"kB", 1e3},      {"MB", 1e6},         {"GB", 1e9},
    {"TB", 1e12}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {"TiB", 1099511627776}};
constexpr Unit kTimeUnits[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
// Ten years: more is a mistake.
constexpr double kMaxSeconds = 10 * 365 * 86400.0;

// Splits "12.5 GiB" into the number and the unit.
std::optional<double> parse_number(std::string_view text, std::string_view& unit) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;
  unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ')
    unit.remove_prefix(1);
  return number;
}

template <std::size_t N>
std::optional<double> parse_amount(std::string_view text, const Unit (&units)[N]) {
  std::string_view name;
  const std::optional<double> number = parse_number(text, name);
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name == name) return *number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  const std::optional<double> bytes = parse_amount(text, kByteUnits);
  if (!bytes || *bytes > 9e18) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(*bytes));
}

std::optional<std::uint64_t> parse_rate(std::string_view text) {
  if (text == "0") return 0;
  constexpr std::string_view kPerSecond = "/s";
  if (!text.ends_with(kPerSecond)) return std::nullopt;
  return parse_bytes(text.substr(0, text.size() - kPerSecond.size()));
}

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::seconds(0);
  const std::optional<double> seconds = parse_amount(text, kTimeUnits);
  if (!seconds || *seconds > kMaxSeconds || *seconds != std::floor(*seconds)) return std::nullopt;
  return std::chrono::seconds(std::llround(*seconds));
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 6> kNames = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double number = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (number >= 1000 && unit + 1 < kNames.size()) {
    number /= 1024;
    unit++;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", number, kNames[unit]);
}

}  // namespace rb::daemon
