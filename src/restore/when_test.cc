#include "restore/when.h"

#include <cstdlib>
#include <ctime>
#include <optional>

#include <gtest/gtest.h>

namespace rb {
namespace {

// A zone with daylight saving: Madrid's rules, spelled out so that no zone database is needed.
class WhenTest : public testing::Test {
 protected:
  WhenTest() {
    const char* zone = std::getenv("TZ");
    if (zone != nullptr) before_ = zone;
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  }
  ~WhenTest() override {
    if (before_) {
      set_zone(before_->c_str());
    } else {
      ::unsetenv("TZ");
      ::tzset();
    }
  }
  static void set_zone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  std::optional<std::string> before_;
};

constexpr Timestamp kNow{1'793'536'245, 500};  // 2026-11-01 13:30:45 in CET

void check(std::string_view text, std::optional<std::int64_t> end_seconds, std::uint32_t nanoseconds = 0) {
  const Result<When> when = parse_when(text, kNow);
  if (!end_seconds) {
    ASSERT_FALSE(when) << text;
    EXPECT_EQ(when.error().code, Errc::invalid_argument) << text;
    return;
  }
  ASSERT_TRUE(when) << text << ": " << when.error().message;
  ASSERT_TRUE(std::holds_alternative<SnapshotBefore>(*when)) << text;
  EXPECT_EQ(std::get<SnapshotBefore>(*when).end, (Timestamp{*end_seconds, nanoseconds})) << text;
}

TEST_F(WhenTest, TheClockOfTheseTestsSaysWhatTheyThink) {
  EXPECT_EQ(format_local(kNow), "2026-11-01 13:30:45");
}

TEST_F(WhenTest, DatesMeanTheirEnd) {
  check("2026-11-01", 1'793'574'000);        // 2026-11-02 00:00 CET
  check("2026-11-01 14:30", 1'793'539'860);  // 14:31:00
  check("2026-11-01T14:30", 1'793'539'860);
  check(" 2026-11-01  14:30 ", 1'793'539'860);
  check("2026-11-01 14:30:05", 1'793'539'806);  // 14:30:06
  check("2026-07-01", 1'782'943'200);           // 2026-07-02 00:00 CEST
  check("2026-12-31", 1'798'758'000);           // into the next year
  check("2024-02-29", 1'709'247'600);
  check("1969-12-31", -3600);  // before the epoch
}

TEST_F(WhenTest, WhatIsNoDate) {
  for (const char* text : {"2026-13-01", "2026-00-01", "2026-02-30", "2025-02-29", "2026-11-1", "2026-11",
                           "2026-11-01 25:00", "2026-11-01 14", "2026-11-01 14:60", "2026-11-01 14:30:61",
                           "2026-11-01 14:30 x", "2026-11-01x", "2026-11-01 14:30:05.5"}) {
    check(text, std::nullopt);
  }
}

TEST_F(WhenTest, AgoIsInclusive) {
  check("0 seconds ago", kNow.seconds, 501);
  check("90 seconds ago", kNow.seconds - 90, 501);
  check("2 minutes ago", kNow.seconds - 120, 501);
  check("an hour ago", kNow.seconds - 3600, 501);
  check("3 days ago", kNow.seconds - 3 * 86400, 501);
  check("1 Week AGO", kNow.seconds - 7 * 86400, 501);  // the clocks were changed that very night
}

// The same time of day before a change of the clocks is an hour more or less ago.
TEST_F(WhenTest, DaysAndMonthsKeepTheTimeOfDay) {
  const auto local = [](std::string_view text) {
    const Result<When> when = parse_when(text, kNow);
    return when ? format_local(std::get<SnapshotBefore>(*when).end) : when.error().message;
  };
  EXPECT_EQ(local("10 days ago"), "2026-10-22 13:30:45");
  EXPECT_EQ(local("2 weeks ago"), "2026-10-18 13:30:45");
  EXPECT_EQ(local("1 month ago"), "2026-10-01 13:30:45");
  EXPECT_EQ(local("11 months ago"), "2025-12-01 13:30:45");
  EXPECT_EQ(local("2 years ago"), "2024-11-01 13:30:45");
}

TEST_F(WhenTest, ShortMonthsEndOnTheirLastDay) {
  const Timestamp march31{1'774'954'800, 0};  // 2026-03-31 13:00 CEST
  EXPECT_EQ(format_local(march31), "2026-03-31 13:00:00");
  const Result<When> when = parse_when("1 month ago", march31);
  ASSERT_TRUE(when);
  EXPECT_EQ(format_local(std::get<SnapshotBefore>(*when).end), "2026-02-28 13:00:00");
}

TEST_F(WhenTest, NoTimesAtAll) {
  for (const char* text :
       {"", "  ", "tomorrow", "3 days", "days ago", "3 fortnights ago", "-3 days ago", "3.5 days ago",
        "9999999999999999999 days ago", "5000 years ago", "latest 3", "xyz"}) {
    check(text, std::nullopt);
  }
}

TEST_F(WhenTest, IdsAndLatest) {
  EXPECT_EQ(parse_when("latest", kNow).value(), When(LatestSnapshot{}));
  EXPECT_EQ(parse_when("Latest", kNow).value(), When(LatestSnapshot{}));
  EXPECT_EQ(parse_when("abcd", kNow).value(), When(SnapshotPrefix{"abcd"}));
  EXPECT_EQ(parse_when("20261101", kNow).value(), When(SnapshotPrefix{"20261101"}));
  EXPECT_EQ(parse_when("00DEADBEEF", kNow).value(), When(SnapshotPrefix{"00deadbeef"}));
  EXPECT_EQ(parse_when(std::string(32, 'f'), kNow).value(), When(SnapshotPrefix{std::string(32, 'f')}));
  for (const std::string& text : {std::string("abc"), std::string(33, 'f'), std::string("abcg")}) {
    EXPECT_FALSE(parse_when(text, kNow)) << text;
  }
}

}  // namespace
}  // namespace rb
