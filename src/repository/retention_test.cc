// Hand-made calendars. The dates are written out, so that a reader can check them against a calendar.
#include "repository/retention.h"

#include <ctime>

#include <gtest/gtest.h>

namespace rb {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr hours kOneDay = hours(24);

// "2024-02-29 23:59:59", in UTC.
Timestamp at(const std::string& text) {
  std::tm tm{};
  if (::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &tm) == nullptr) std::abort();
  return {::timegm(&tm), 0};
}

using Times = std::vector<std::string>;

// Snapshots in the order of the history, oldest first.
std::vector<RetentionSnapshot> history(const Times& times) {
  std::vector<RetentionSnapshot> snapshots;
  for (const std::string& time : times) {
    snapshots.push_back({.sequence = snapshots.size() + 1, .received = at(time)});
    snapshots.back().id.bytes[0] = static_cast<std::uint8_t>(snapshots.size());
  }
  return snapshots;
}

std::string reasons_text(const RetentionVerdict& verdict) {
  std::string text;
  for (const KeepReason& reason : verdict.reasons)
    text += (text.empty() ? "" : ", ") + to_string(reason);
  return text;
}

std::vector<RetentionVerdict> judge(const RetentionPolicy& policy,
                                    const std::vector<RetentionSnapshot>& snapshots,
                                    const std::string& now = "2100-01-01 00:00:00",
                                    const ZoneOffset& zone = utc_offset) {
  const auto verdicts = judge_retention(policy, snapshots, at(now), zone);
  EXPECT_TRUE(verdicts) << verdicts.error().message;
  return verdicts ? *verdicts : std::vector<RetentionVerdict>{};
}

// `expected`: the reasons of each, in the order of the history, "" for those that go.
void check(RetentionPolicy policy, const Times& times, const Times& expected,
           const ZoneOffset& zone = utc_offset) {
  policy.floor = seconds(0);
  const auto verdicts = judge(policy, history(times), "2100-01-01 00:00:00", zone);
  Times found;
  for (auto verdict = verdicts.rbegin(); verdict != verdicts.rend(); ++verdict)
    found.push_back(reasons_text(*verdict));
  EXPECT_EQ(found, expected) << to_text(policy);
}

TEST(RetentionTest, TheNewestOfEachDayStays) {
  check({.daily = 2},
        {"2026-03-01 10:00:00", "2026-03-01 11:00:00", "2026-03-02 00:00:00", "2026-03-02 23:59:59",
         "2026-03-03 00:00:00", "2026-03-03 12:00:00"},
        {"", "", "", "daily 2", "", "head, daily 1"});
}

TEST(RetentionTest, DaysWithoutSnapshotsDontCount) {
  check({.daily = 3},
        {"2026-01-01 10:00:00", "2026-01-01 11:00:00", "2026-02-01 10:00:00", "2026-03-01 10:00:00"},
        {"", "daily 3", "daily 2", "head, daily 1"});
}

TEST(RetentionTest, WhilePlacesAreLeftTheOldestStaysToo) {
  check({.daily = 4}, {"2026-01-01 10:00:00", "2026-01-01 11:00:00", "2026-01-02 10:00:00"},
        {"daily 3 (oldest)", "daily 2", "head, daily 1"});
  check({.yearly = kKeepAll}, {"2026-01-01 10:00:00", "2026-05-01 11:00:00", "2026-06-02 10:00:00"},
        {"yearly 2 (oldest)", "", "head, yearly 1"});
}

TEST(RetentionTest, LastGoesByThePlaceInTheHistory) {
  check({.last = 2}, {"2026-01-03 00:00:00", "2026-01-01 00:00:00", "2026-01-02 00:00:00"},
        {"", "last 2", "head, last 1"});
}

TEST(RetentionTest, EndsOfMonthsAndLeapYears) {
  check({.monthly = 3},
        {"2024-01-31 23:59:59", "2024-02-01 00:00:00", "2024-02-29 23:59:59", "2024-03-01 00:00:00"},
        {"monthly 3", "", "monthly 2", "head, monthly 1"});
  check({.daily = 3}, {"2024-02-28 12:00:00", "2024-02-29 12:00:00", "2024-03-01 12:00:00"},
        {"daily 3", "daily 2", "head, daily 1"});
}

TEST(RetentionTest, YearsEndAtNewYear) {
  check({.yearly = 2},
        {"2024-12-31 23:59:58", "2024-12-31 23:59:59", "2025-01-01 00:00:00", "2025-12-31 23:59:59"},
        {"", "yearly 2", "", "head, yearly 1"});
}

// 2020 had 53 weeks: 2021-01-03, a Sunday, was the last day of the last one. 2024-12-30, a Monday, began week
// 1 of 2025.
TEST(RetentionTest, WeeksAreThoseOfIso8601) {
  check({.weekly = 2},
        {"2020-12-27 23:59:59", "2020-12-28 00:00:00", "2021-01-03 23:59:59", "2021-01-04 00:00:00"},
        {"", "", "weekly 2", "head, weekly 1"});
  check({.weekly = 2}, {"2024-12-29 23:59:59", "2024-12-30 00:00:00", "2025-01-05 23:59:59"},
        {"weekly 2", "", "head, weekly 1"});
}

TEST(RetentionTest, TimesBefore1970HaveDaysToo) {
  check({.daily = 2},
        {"1969-12-30 23:59:59", "1969-12-31 00:00:00", "1969-12-31 23:59:59", "1970-01-01 00:00:00"},
        {"", "", "daily 2", "head, daily 1"});
}

TEST(RetentionTest, DaysAreThoseOfTheZoneHoursThoseOfUtc) {
  const ZoneOffset india = [](std::int64_t) { return seconds(19800); };  // +5:30
  check({.daily = 2}, {"2026-05-01 18:29:59", "2026-05-01 18:30:00", "2026-05-02 18:29:59"},
        {"daily 2", "", "head, daily 1"}, india);
  check({.hourly = 2}, {"2026-05-01 18:29:59", "2026-05-01 18:30:00", "2026-05-01 19:00:00"},
        {"", "hourly 2", "head, hourly 1"}, india);
}

// Berlin set its clocks back on 2025-10-26 at 01:00 UTC: 02:30 came twice, and is two hours.
TEST(RetentionTest, TheHourThatAClockSetBackRepeatsIsTwo) {
  const ZoneOffset berlin = [](std::int64_t t) {
    return hours(t < at("2025-10-26 01:00:00").seconds ? 2 : 1);
  };
  check({.hourly = 3}, {"2025-10-26 00:30:00", "2025-10-26 01:30:00", "2025-10-26 02:30:00"},
        {"hourly 3", "hourly 2", "head, hourly 1"}, berlin);
  check({.daily = 3}, {"2025-10-25 21:59:59", "2025-10-25 22:00:00", "2025-10-26 22:59:59"},
        {"daily 2", "", "head, daily 1"}, berlin);
}

TEST(RetentionTest, EachRuleCountsForItself) {
  check({.last = 1, .daily = 2, .monthly = 2},
        {"2026-01-31 10:00:00", "2026-02-27 10:00:00", "2026-02-28 10:00:00"},
        {"monthly 2", "daily 2", "head, last 1, daily 1, monthly 1"});
}

TEST(RetentionTest, WithinAndFloorGoBackFromTheNewest) {
  const auto snapshots =
      history({"2026-01-01 00:00:00", "2026-01-24 09:59:59", "2026-01-24 10:00:00", "2026-01-31 10:00:00"});
  const auto verdicts = judge({.last = 1}, snapshots);
  EXPECT_EQ(reasons_text(verdicts[0]), "head, floor, last 1");
  EXPECT_EQ(reasons_text(verdicts[1]), "floor") << "exactly seven days";
  EXPECT_FALSE(verdicts[2].kept());
  const auto wider = judge({.within = kOneDay * 30, .floor = kOneDay}, snapshots);
  EXPECT_EQ(reasons_text(wider[2]), "within");
  EXPECT_FALSE(wider[3].kept());
}

TEST(RetentionTest, PinnedOnesStayAndTakeNoPlaceTwice) {
  auto snapshots = history({"2026-01-01 00:00:00", "2026-01-02 00:00:00", "2026-01-03 00:00:00"});
  snapshots[0].pinned = true;
  const auto verdicts = judge({.last = 1, .floor = seconds(0)}, snapshots);
  EXPECT_EQ(reasons_text(verdicts[2]), "pinned");
  EXPECT_FALSE(verdicts[1].kept());
}

// The server's clock ran ahead for a while and was put right: what it received then is kept, and the real
// days keep their places.
TEST(RetentionTest, TimesInTheFutureTakeNobodysPlace) {
  const auto snapshots = history({"2026-01-01 00:00:00", "2026-01-02 00:00:00", "2099-01-01 00:00:00",
                                  "2099-01-02 00:00:00", "2026-01-03 00:00:00"});
  const auto verdicts = judge({.daily = 2, .floor = seconds(0)}, snapshots, "2026-01-03 12:00:00");
  EXPECT_EQ(reasons_text(verdicts[0]), "head, daily 1");
  EXPECT_EQ(reasons_text(verdicts[1]), "future");
  EXPECT_EQ(reasons_text(verdicts[2]), "future");
  EXPECT_EQ(reasons_text(verdicts[3]), "daily 2");
  EXPECT_FALSE(verdicts[4].kept());
}

// The clock was set back: the head is what the history ends with, though others were received "later".
TEST(RetentionTest, TheHeadIsTheEndOfTheHistory) {
  check({.daily = 1}, {"2026-05-02 10:00:00", "2026-05-02 12:00:00", "2026-05-01 10:00:00"},
        {"", "daily 1", "head"});
}

TEST(RetentionTest, TimesBeyondAnyCalendarDoNoHarm) {
  std::vector<RetentionSnapshot> snapshots;
  for (const std::int64_t time : {INT64_MIN, INT64_MIN + 1, std::int64_t{0}, INT64_MAX - 1, INT64_MAX})
    snapshots.push_back({.sequence = snapshots.size() + 1, .received = {time, 0}});
  const RetentionPolicy policy{
      .hourly = 9, .daily = 9, .weekly = 9, .monthly = 9, .yearly = 9, .within = kRetentionDurationMax};
  for (const std::int64_t now : {INT64_MIN, std::int64_t{0}, INT64_MAX}) {
    const auto verdicts = judge_retention(policy, snapshots, {now, 0}, server_zone_offset);
    ASSERT_TRUE(verdicts);
    EXPECT_EQ(verdicts->size(), snapshots.size());
  }
}

TEST(RetentionTest, AnEmptyPolicyIsRefusedAndAnEmptyHistoryIsNot) {
  const auto refused =
      judge_retention({}, history({"2026-01-01 00:00:00"}), at("2026-01-02 00:00:00"), utc_offset);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_argument);
  EXPECT_TRUE(judge({.last = 1}, {}).empty());
}

TEST(RetentionTest, VerdictsNameTheirSnapshots) {
  const auto snapshots = history({"2026-01-01 00:00:00", "2026-01-02 00:00:00"});
  const auto verdicts = judge({.last = 1}, snapshots);
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].id, snapshots[1].id);
  EXPECT_EQ(verdicts[0].sequence, 2u);
  EXPECT_EQ(verdicts[1].id, snapshots[0].id);
}

TEST(RetentionTest, TheServersZoneIsTheSystems) {
  const std::time_t time = 1'800'000'000;
  std::tm local{};
  ASSERT_NE(::localtime_r(&time, &local), nullptr);
  EXPECT_EQ(server_zone_offset(time), seconds(local.tm_gmtoff));
}

}  // namespace
}  // namespace rb
