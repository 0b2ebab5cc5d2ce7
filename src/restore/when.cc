#include "restore/when.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace rb {
namespace {

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char c : text) {
    if (c == ' ' || c == '\t') {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    words.back() += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return words;
}

// Exactly `digits` decimal digits at the position, which moves past them.
std::optional<int> take_digits(std::string_view text, std::size_t& at, std::size_t digits) {
  if (text.size() - at < digits) return std::nullopt;
  int value = 0;
  for (std::size_t end = at + digits; at < end; ++at) {
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
    value = value * 10 + (text[at] - '0');
  }
  return value;
}

bool take(std::string_view text, std::size_t& at, char c) {
  if (at >= text.size() || text[at] != c) return false;
  ++at;
  return true;
}

int days_in_month(int year, int month) {  // month from 1
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

std::optional<Timestamp> from_local(tm fields) {
  fields.tm_isdst = -1;
  fields.tm_wday = -1;
  const time_t seconds = ::mktime(&fields);
  if (seconds == -1 && fields.tm_wday == -1) return std::nullopt;  // -1 alone is a second of 1969
  return Timestamp{seconds, 0};
}

bool has_form_of_date(std::string_view text) {
  std::size_t at = 0;
  return take_digits(text, at, 4) && take(text, at, '-');
}

// "HH:MM" or "HH:MM:SS": sets the fields to the end of that minute or second.
bool parse_time_of_day(std::string_view text, tm& end) {
  std::size_t at = 0;
  const auto hour = take_digits(text, at, 2);
  if (!hour || *hour > 23 || !take(text, at, ':')) return false;
  const auto minute = take_digits(text, at, 2);
  if (!minute || *minute > 59) return false;
  end.tm_hour = *hour;
  end.tm_min = *minute + 1;
  if (at == text.size()) return true;
  if (!take(text, at, ':')) return false;
  const auto second = take_digits(text, at, 2);
  if (!second || *second > 60 || at != text.size()) return false;
  end.tm_min = *minute;
  end.tm_sec = *second + 1;
  return true;
}

// The first moment behind the day, minute or second.
std::optional<Timestamp> parse_date(std::string_view text) {
  std::size_t at = 0;
  const auto year = take_digits(text, at, 4);
  if (!year || !take(text, at, '-')) return std::nullopt;
  const auto month = take_digits(text, at, 2);
  if (!month || *month < 1 || *month > 12 || !take(text, at, '-')) return std::nullopt;
  const auto day = take_digits(text, at, 2);
  if (!day || *day < 1 || *day > days_in_month(*year, *month)) return std::nullopt;
  tm end{};
  end.tm_year = *year - 1900;
  end.tm_mon = *month - 1;
  end.tm_mday = *day;
  if (at == text.size()) {
    ++end.tm_mday;
  } else {
    if (!take(text, at, ' ') && !take(text, at, 't')) return std::nullopt;
    if (!parse_time_of_day(text.substr(at), end)) return std::nullopt;
  }
  return from_local(end);
}

std::optional<Timestamp> before(const Timestamp& now, std::int64_t count, std::string_view unit) {
  constexpr std::int64_t kMax = 1'000'000'000;
  if (count > kMax) return std::nullopt;
  if (unit == "second" || unit == "sec") return Timestamp{now.seconds - count, now.nanoseconds};
  if (unit == "minute" || unit == "min") return Timestamp{now.seconds - 60 * count, now.nanoseconds};
  if (unit == "hour") return Timestamp{now.seconds - 3600 * count, now.nanoseconds};
  if (count > 1'000'000) return std::nullopt;
  const time_t seconds = now.seconds;
  tm fields{};
  if (::localtime_r(&seconds, &fields) == nullptr) return std::nullopt;
  const int n = static_cast<int>(count);
  if (unit == "day" || unit == "week") {
    fields.tm_mday -= unit == "day" ? n : 7 * n;
  } else if (unit == "month" || unit == "year") {
    const std::int64_t months =
        (fields.tm_year + 1900LL) * 12 + fields.tm_mon - (unit == "month" ? count : 12 * count);
    if (months < 12) return std::nullopt;
    fields.tm_year = static_cast<int>(months / 12 - 1900);
    fields.tm_mon = static_cast<int>(months % 12);
    fields.tm_mday = std::min(fields.tm_mday, days_in_month(fields.tm_year + 1900, fields.tm_mon + 1));
  } else {
    return std::nullopt;
  }
  std::optional<Timestamp> moment = from_local(fields);
  if (moment) moment->nanoseconds = now.nanoseconds;
  return moment;
}

// "3 days ago": at or before that moment, so before the nanosecond behind it.
std::optional<Timestamp> parse_ago(const std::vector<std::string>& words, const Timestamp& now) {
  if (words.size() != 3 || words[2] != "ago") return std::nullopt;
  std::int64_t count = 0;
  const std::string& number = words[0];
  if (number == "a" || number == "an" || number == "one") {
    count = 1;
  } else {
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), count);
    if (error != std::errc() || end != number.data() + number.size() || count < 0) return std::nullopt;
  }
  std::string_view unit = words[1];
  if (unit.size() > 1 && unit.back() == 's') unit.remove_suffix(1);
  std::optional<Timestamp> moment = before(now, count, unit);
  if (moment && ++moment->nanoseconds == 1'000'000'000) {
    moment->nanoseconds = 0;
    ++moment->seconds;
  }
  return moment;
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

Result<When> parse_when(std::string_view text, const Timestamp& now) {
  const std::vector<std::string> words = split_words(text);
  const auto refuse = [&](std::string_view why) {
    return fail(
        Errc::invalid_argument,
        fmt::format("\"{}\" {}: write a snapshot's id, \"latest\", \"2026-11-01\", \"2026-11-01 14:30\" or "
                    "\"3 days ago\"",
                    text, why));
  };
  if (words.empty() || words.size() > 3) return refuse("is no time or snapshot");
  if (words.size() == 1 && words[0] == "latest") return LatestSnapshot{};
  if (has_form_of_date(words[0])) {
    if (words.size() > 2) return refuse("is no date");
    const auto end = parse_date(words.size() == 2 ? words[0] + " " + words[1] : words[0]);
    if (!end) return refuse("is no date");
    return SnapshotBefore{*end};
  }
  if (const auto end = parse_ago(words, now)) return SnapshotBefore{*end};
  if (words.size() != 1 || !is_hex(words[0])) return refuse("is no time or snapshot");
  if (words[0].size() < 4) return refuse("is too short for a snapshot's id (4 digits at least)");
  if (words[0].size() > 32) return refuse("is too long for a snapshot's id");
  return SnapshotPrefix{words[0]};
}

std::string format_local(const Timestamp& time) {
  const time_t seconds = time.seconds;
  tm fields{};
  if (::localtime_r(&seconds, &fields) == nullptr) return fmt::format("@{}", time.seconds);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", fields.tm_year + 1900, fields.tm_mon + 1,
                     fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec);
}

}  // namespace rb
