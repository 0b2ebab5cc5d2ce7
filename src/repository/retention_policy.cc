#include "repository/retention_policy.h"

#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace rb {

namespace {

using std::chrono::seconds;

struct CountRule {
  std::string_view name;
  std::uint32_t RetentionPolicy::*count;
};
constexpr std::array kCountRules{
    CountRule{"last", &RetentionPolicy::last},       CountRule{"hourly", &RetentionPolicy::hourly},
    CountRule{"daily", &RetentionPolicy::daily},     CountRule{"weekly", &RetentionPolicy::weekly},
    CountRule{"monthly", &RetentionPolicy::monthly}, CountRule{"yearly", &RetentionPolicy::yearly},
};

struct DurationRule {
  std::string_view name;
  seconds RetentionPolicy::*duration;
};
constexpr std::array kDurationRules{
    DurationRule{"within", &RetentionPolicy::within},
    DurationRule{"floor", &RetentionPolicy::floor},
};

struct Unit {
  char letter;
  std::int64_t in_seconds;
};
// The largest first, so that a duration is written with the largest that divides it. No months: they have no
// fixed length, and "m" would be taken for minutes by half of all readers.
constexpr std::array kUnits{Unit{'y', 365 * 86400}, Unit{'w', 7 * 86400}, Unit{'d', 86400}, Unit{'h', 3600}};

constexpr std::string_view kSeparators = " \t\n,";
constexpr std::string_view kPrefix = "keep-";

std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

Result<std::uint32_t> parse_count(std::string_view text) {
  if (text == "all") return kKeepAll;
  const auto number = number_of(text);
  if (!number || *number >= kKeepAll) {
    return fail(Errc::invalid_argument,
                fmt::format("\"{}\" is no count: write a number, or all to keep without end", text));
  }
  return static_cast<std::uint32_t>(*number);
}

std::string rule_names() {
  std::string names;
  for (const CountRule& rule : kCountRules)
    names += fmt::format("{}, ", rule.name);
  return names + "within and floor";
}

// Sets the rule; nothing when there is none of that name.
std::optional<Status> set_rule(RetentionPolicy& policy, std::string_view name, std::string_view value) {
  for (const CountRule& rule : kCountRules) {
    if (rule.name != name) continue;
    const auto count = parse_count(value);
    if (!count) return std::unexpected(count.error().with(name));
    policy.*rule.count = *count;
    return Status{};
  }
  for (const DurationRule& rule : kDurationRules) {
    if (rule.name != name) continue;
    const auto duration = parse_retention_duration(value);
    if (!duration) return std::unexpected(duration.error().with(name));
    policy.*rule.duration = *duration;
    return Status{};
  }
  return std::nullopt;
}

// Gives the name of the rule.
Result<std::string_view> parse_rule(RetentionPolicy& policy, std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) {
    return fail(Errc::invalid_argument, fmt::format("\"{}\" is no rule: write daily=7", word));
  }
  std::string_view name = word.substr(0, equals);
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  const auto status = set_rule(policy, name, word.substr(equals + 1));
  if (!status) {
    return fail(Errc::invalid_argument,
                fmt::format("there is no rule \"{}\": the rules are {}", name, rule_names()));
  }
  if (!*status) return std::unexpected(status->error());
  return name;
}

bool in_range(seconds duration) {
  return duration >= seconds(0) && duration <= kRetentionDurationMax;
}

}  // namespace

Result<seconds> parse_retention_duration(std::string_view text) {
  if (text == "0") return seconds(0);
  const auto refuse = [&](std::string_view why) {
    return fail(Errc::invalid_argument,
                fmt::format("\"{}\" {}: write a number and h, d, w or y (365 days), like 30d", text, why));
  };
  if (text.empty()) return refuse("is no duration");
  const auto number = number_of(text.substr(0, text.size() - 1));
  for (const Unit& unit : kUnits) {
    if (unit.letter != text.back() || !number) continue;
    if (*number > static_cast<std::uint64_t>(kRetentionDurationMax.count() / unit.in_seconds)) {
      return refuse("is longer than 1000 years");
    }
    return seconds(static_cast<std::int64_t>(*number) * unit.in_seconds);
  }
  return refuse("is no duration");
}

std::string retention_duration_text(seconds duration) {
  if (duration == seconds(0)) return "0";
  for (const Unit& unit : kUnits) {
    if (duration.count() % unit.in_seconds == 0) {
      return fmt::format("{}{}", duration.count() / unit.in_seconds, unit.letter);
    }
  }
  return fmt::format("{}s", duration.count());  // not one that was written
}

Result<RetentionPolicy> parse_retention_policy(std::string_view text) {
  RetentionPolicy policy;
  std::string seen = " ";
  for (std::size_t at = 0;;) {
    at = text.find_first_not_of(kSeparators, at);
    if (at == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(kSeparators, at), text.size());
    RB_TRY(const std::string_view name, parse_rule(policy, text.substr(at, end - at)));
    if (seen.find(fmt::format(" {} ", name)) != std::string::npos) {
      return fail(Errc::invalid_argument, fmt::format("the rule \"{}\" is there twice", name));
    }
    seen += fmt::format("{} ", name);
    at = end;
  }
  RB_TRY(check_retention_policy(policy));
  return policy;
}

std::string to_text(const RetentionPolicy& policy) {
  std::string text;
  for (const CountRule& rule : kCountRules) {
    const std::uint32_t count = policy.*rule.count;
    if (count == 0) continue;
    text += fmt::format("{}={} ", rule.name, count == kKeepAll ? "all" : std::to_string(count));
  }
  if (policy.within != seconds(0)) text += fmt::format("within={} ", retention_duration_text(policy.within));
  return text + fmt::format("floor={}", retention_duration_text(policy.floor));
}

Status check_retention_policy(const RetentionPolicy& policy) {
  if (!in_range(policy.within) || !in_range(policy.floor)) {
    return fail(Errc::invalid_argument, "a duration of the retention policy is negative or above 1000 years");
  }
  bool keeps = policy.within > seconds(0);
  for (const CountRule& rule : kCountRules)
    keeps = keeps || policy.*rule.count > 0;
  if (keeps) return {};
  return fail(
      Errc::invalid_argument,
      "the retention policy keeps nothing: write what to keep, such as daily=7 weekly=4 monthly=12, or "
      "last=all to keep everything");
}

}  // namespace rb
