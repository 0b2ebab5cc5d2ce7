#include "repository/retention.h"

#include <algorithm>
#include <ctime>
#include <map>
#include <optional>

#include <fmt/format.h>

namespace rb {

namespace {

// Times beyond the year 9999 or before 0 are taken for its ends: nothing real is there, and the calendar's
// arithmetic stays in range.
constexpr std::int64_t kSecondsMin = -62'135'596'800, kSecondsMax = 253'402'300'799;
constexpr std::int64_t kDaySeconds = 86400, kHourSeconds = 3600;

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

std::int64_t in_range(std::int64_t seconds) {
  return std::clamp(seconds, kSecondsMin, kSecondsMax);
}

// Which hour, day, week, month and year a moment belongs to. The numbers ascend with time and mean nothing
// else.
struct Periods {
  std::int64_t hour, day, week, month, year;
};

Periods periods_of(const Timestamp& time, const ZoneOffset& zone) {
  using namespace std::chrono;
  const std::int64_t utc = in_range(time.seconds);
  const std::int64_t day = floor_div(in_range(utc + zone(utc).count()), kDaySeconds);
  const year_month_day date{sys_days{days{day}}};
  const std::int64_t in_year = static_cast<int>(date.year());
  return {
      .hour = floor_div(utc, kHourSeconds),
      .day = day,
      .week = floor_div(day + 3, 7),  // 1970-01-01 was a Thursday
      .month = in_year * 12 + static_cast<unsigned>(date.month()) - 1,
      .year = in_year,
  };
}

struct CalendarRule {
  KeepRule rule;
  std::uint32_t RetentionPolicy::*count;
  std::int64_t Periods::*period;
};
constexpr CalendarRule kCalendarRules[] = {
    {KeepRule::hourly, &RetentionPolicy::hourly, &Periods::hour},
    {KeepRule::daily, &RetentionPolicy::daily, &Periods::day},
    {KeepRule::weekly, &RetentionPolicy::weekly, &Periods::week},
    {KeepRule::monthly, &RetentionPolicy::monthly, &Periods::month},
    {KeepRule::yearly, &RetentionPolicy::yearly, &Periods::year},
};

// One judgement. Index i stands for the i-th newest in the history.
class Judgement {
 public:
  Judgement(const RetentionPolicy& policy, std::span<const RetentionSnapshot> snapshots, const Timestamp& now)
      : policy_(policy), now_(now), snapshots_(snapshots.begin(), snapshots.end()) {
    std::ranges::sort(snapshots_, std::greater{}, &RetentionSnapshot::sequence);
    for (const RetentionSnapshot& s : snapshots_)
      verdicts_.push_back({.id = s.id, .sequence = s.sequence});
  }

  std::vector<RetentionVerdict> run(const ZoneOffset& zone) {
    keep_unconditionally();
    sort_by_time();
    keep_younger_than(policy_.floor, KeepRule::floor);
    keep_younger_than(policy_.within, KeepRule::within);
    keep_last();
    keep_by_calendar(zone);
    return std::move(verdicts_);
  }

 private:
  void keep(std::size_t index, KeepRule rule, std::uint32_t place = 0, bool oldest = false) {
    verdicts_[index].reasons.push_back({.rule = rule, .place = place, .oldest = oldest});
  }
  bool in_future(std::size_t index) const { return snapshots_[index].received > now_; }

  void keep_unconditionally() {
    for (std::size_t i = 0; i < snapshots_.size(); ++i) {
      if (i == 0) keep(i, KeepRule::head);
      if (snapshots_[i].pinned) keep(i, KeepRule::pinned);
      if (in_future(i)) keep(i, KeepRule::future);
    }
  }

  // Latest received first; without the future ones, which would take the places of real ones.
  void sort_by_time() {
    for (std::size_t i = 0; i < snapshots_.size(); ++i) {
      if (!in_future(i)) by_time_.push_back(i);
    }
    std::ranges::stable_sort(by_time_, std::greater{},
                             [this](std::size_t i) { return snapshots_[i].received; });
  }

  void keep_younger_than(std::chrono::seconds age, KeepRule rule) {
    if (age == std::chrono::seconds(0) || by_time_.empty()) return;
    Timestamp since = snapshots_[by_time_.front()].received;
    if (__builtin_sub_overflow(since.seconds, age.count(), &since.seconds)) since.seconds = INT64_MIN;
    for (const std::size_t i : by_time_) {
      if (snapshots_[i].received >= since) keep(i, rule);
    }
  }

  void keep_last() {
    for (std::uint32_t i = 0; i < std::min<std::size_t>(policy_.last, snapshots_.size()); ++i)
      keep(i, KeepRule::last, i + 1);
  }

  void keep_by_calendar(const ZoneOffset& zone) {
    std::vector<Periods> periods;
    for (const std::size_t i : by_time_)
      periods.push_back(periods_of(snapshots_[i].received, zone));
    for (const CalendarRule& rule : kCalendarRules)
      keep_by_rule(rule, periods);
  }

  void keep_by_rule(const CalendarRule& rule, const std::vector<Periods>& periods) {
    const std::uint32_t count = policy_.*rule.count;
    if (count == 0 || by_time_.empty()) return;
    // Of each period the first that is met, which is the newest; periods newest first.
    std::map<std::int64_t, std::size_t, std::greater<>> newest;
    for (std::size_t k = 0; k < by_time_.size(); ++k)
      newest.emplace(periods[k].*rule.period, by_time_[k]);
    std::uint32_t place = 0;
    bool oldest_has_place = false;
    for (const auto& [period, index] : newest) {
      if (place == count) return;
      keep(index, rule.rule, ++place);
      oldest_has_place = index == by_time_.back();
    }
    if (place < count && !oldest_has_place) keep(by_time_.back(), rule.rule, place + 1, true);
  }

  const RetentionPolicy& policy_;
  const Timestamp now_;
  std::vector<RetentionSnapshot> snapshots_;
  std::vector<RetentionVerdict> verdicts_;
  std::vector<std::size_t> by_time_;
};

std::string_view name_of(KeepRule rule) {
  constexpr std::string_view kNames[] = {"head",   "pinned", "future", "floor",   "within", "last",
                                         "hourly", "daily",  "weekly", "monthly", "yearly"};
  return kNames[static_cast<std::size_t>(rule)];
}

}  // namespace

std::string to_string(const KeepReason& reason) {
  std::string text(name_of(reason.rule));
  if (reason.place > 0) text += fmt::format(" {}", reason.place);
  if (reason.oldest) text += " (oldest)";
  return text;
}

std::chrono::seconds utc_offset(std::int64_t /*unix_seconds*/) {
  return std::chrono::seconds(0);
}

std::chrono::seconds server_zone_offset(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm local{};
  if (::localtime_r(&time, &local) == nullptr) return std::chrono::seconds(0);
  return std::chrono::seconds(local.tm_gmtoff);
}

Result<std::vector<RetentionVerdict>> judge_retention(const RetentionPolicy& policy,
                                                      std::span<const RetentionSnapshot> snapshots,
                                                      const Timestamp& now, const ZoneOffset& zone) {
  RB_TRY(check_retention_policy(policy));
  return Judgement(policy, snapshots, now).run(zone);
}

}  // namespace rb
