// How much of a node's history stays, as its administrator wrote it: "last=3 daily=7 weekly=4 monthly=12
// within=30d". What the rules mean is in retention.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace rb {

// For a count: without end.
inline constexpr std::uint32_t kKeepAll = UINT32_MAX;
// Longer than any repository will live, and far from where adding seconds to a time overflows.
inline constexpr std::chrono::seconds kRetentionDurationMax = std::chrono::hours(24) * 365 * 1000;

// Counts and durations of zero switch a rule off. A larger number, or one more rule, never keeps less.
struct RetentionPolicy {
  std::uint32_t last = 0;
  std::uint32_t hourly = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0;
  std::chrono::seconds within{0};
  // Holds whatever the other rules say, so that nobody can push out what is younger by adding more.
  std::chrono::seconds floor = std::chrono::hours(24) * 7;
  bool operator==(const RetentionPolicy&) const = default;
};

// Rules between spaces or commas, each at most once, in any order; "keep-daily=7" is "daily=7". Counts are
// numbers or "all"; durations a number and h, d, w or y (365 days). Without "floor" it is 7 days. Every
// mistake is Errc::invalid_argument and is named with what would be right.
Result<RetentionPolicy> parse_retention_policy(std::string_view text);
// Gives the same policy when parsed, and is in one form for one policy.
std::string to_text(const RetentionPolicy& policy);

Result<std::chrono::seconds> parse_retention_duration(std::string_view text);
std::string retention_duration_text(std::chrono::seconds duration);

// Errc::invalid_argument for one that keeps nothing by itself (the floor alone is no policy), or whose
// durations are negative or beyond kRetentionDurationMax.
Status check_retention_policy(const RetentionPolicy& policy);

}  // namespace rb
