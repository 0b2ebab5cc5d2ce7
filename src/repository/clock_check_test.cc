#include "repository/clock_check.h"

#include <gtest/gtest.h>

namespace rb {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::int64_t kStart = 1'800'000'000, kHour = 3600, kDay = 86400;

ClockReading at(std::int64_t wall, seconds steady) {
  return {.wall = {wall, 0}, .steady = steady};
}

// A server that has run for ten days since its journal was last written, with a commit an hour ago.
ClockEvidence healthy() {
  return {.start = at(kStart, seconds(500)),
          .newest_at_start = Timestamp{kStart - kDay, 0},
          .now = at(kStart + 10 * kDay, seconds(500) + hours(240)),
          .newest = Timestamp{kStart + 10 * kDay - kHour, 0}};
}

void expect_refused(const ClockEvidence& evidence, std::string_view why) {
  const Status status = clock_is_sane(evidence);
  ASSERT_FALSE(status) << why;
  EXPECT_EQ(status.error().code, Errc::conflict);
  EXPECT_NE(status.error().message.find(why), std::string::npos) << status.error().message;
}

TEST(ClockCheckTest, BelievesAClockThatAgrees) {
  EXPECT_TRUE(clock_is_sane(healthy()));
  ClockEvidence fresh = healthy();
  fresh.newest_at_start = fresh.newest = std::nullopt;
  EXPECT_TRUE(clock_is_sane(fresh)) << "a new repository";
  ClockEvidence same = healthy();
  same.newest = same.now.wall;
  EXPECT_TRUE(clock_is_sane(same));
}

TEST(ClockCheckTest, ATimeBeforeTheJournalsIsWrong) {
  ClockEvidence e = healthy();
  e.newest = Timestamp{e.now.wall.seconds, 1};
  expect_refused(e,
                 "it says 2027-01-25 08:00:00 UTC, but the journal has an entry of 2027-01-25 08:00:00 UTC");
  e.newest = Timestamp{INT64_MAX, 999'999'999};
  expect_refused(e, "put it right, or wait");
}

TEST(ClockCheckTest, AJumpWhileItRunsIsNoticed) {
  for (const std::int64_t jump : {kHour, -kHour}) {
    ClockEvidence e = healthy();
    e.newest = std::nullopt;
    e.now.wall.seconds += jump;
    EXPECT_TRUE(clock_is_sane(e)) << "a correction";
    e.now.wall.seconds += jump / kHour;
    expect_refused(e, jump > 0 ? "jumped ahead by 3601 s" : "jumped back by 3601 s");
    e.now.wall.seconds += jump * 24 * 365 * 70;
    expect_refused(e, "25550 days since the server started");
  }
}

TEST(ClockCheckTest, ALongSilenceBeforeTheStartIsAskedAbout) {
  ClockEvidence e = healthy();
  e.newest_at_start = Timestamp{kStart - 60 * kDay, 0};
  EXPECT_TRUE(clock_is_sane(e));
  e.newest_at_start = Timestamp{kStart - 60 * kDay - 1, 0};
  expect_refused(e, "60 days after the newest entry of the journal");
  e.newest_at_start = Timestamp{INT64_MIN, 0};
  expect_refused(e, "restart the server");
}

TEST(ClockCheckTest, TimeSinceBootGoesOn) {
  const auto before = time_since_boot();
  EXPECT_GT(before.count(), 0);
  EXPECT_GE(time_since_boot(), before);
}

}  // namespace
}  // namespace rb
