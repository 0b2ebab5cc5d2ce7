#include "daemon/schedule.h"

#include <gtest/gtest.h>

namespace rb::daemon {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

class SetClock final : public Clock {
 public:
  Timestamp wall() const override { return {now.count(), 0}; }
  std::chrono::nanoseconds monotonic() const override { return now - seconds(1'600'000'000); }
  seconds now{1'700'000'000};
};

class ScheduleTest : public testing::Test {
 protected:
  // Notes when it ran, unless it fails.
  Chore chore(const std::string& name, seconds interval) {
    return {.failure = name + " failed",
            .interval = interval,
            .last = [this, name] { return last_[name]; },
            .run = [this, name]() -> Status {
              ran_ += name + " ";
              if (failing_) return fail(Errc::io, "because");
              last_[name] = clock_.wall();
              return {};
            }};
  }
  std::string ran() { return std::exchange(ran_, {}); }

  SetClock clock_;
  std::map<std::string, std::optional<Timestamp>> last_;
  std::string ran_;
  bool failing_ = false;
};

TEST_F(ScheduleTest, WhenOneIsDue) {
  const Timestamp now = clock_.wall();
  const auto due = [&](std::int64_t seconds_ago) {
    return time_until_due(hours(24), Timestamp{now.seconds - seconds_ago, 0}, now);
  };
  EXPECT_EQ(time_until_due(hours(24), std::nullopt, now), seconds(0));
  EXPECT_EQ(due(0), hours(24));
  EXPECT_EQ(due(3600), hours(23));
  EXPECT_EQ(due(86400), seconds(0));
  EXPECT_EQ(due(1'000'000), seconds(0));
  EXPECT_EQ(due(-1'000'000), hours(24)) << "a clock that was set back does not stop it for longer";
  EXPECT_EQ(time_until_due(hours(24), Timestamp{INT64_MIN, 0}, Timestamp{INT64_MAX, 0}), hours(24));
}

TEST_F(ScheduleTest, EachInItsTurnAndInTheirOrder) {
  Schedule schedule(clock_, {chore("prune", hours(24)), chore("collect", hours(6)), chore("never", {})});
  EXPECT_EQ(schedule.work_once(), hours(6));
  EXPECT_EQ(ran(), "prune collect ");
  EXPECT_EQ(schedule.work_once(), hours(6));
  EXPECT_EQ(ran(), "");
  clock_.now += hours(6);
  EXPECT_EQ(schedule.work_once(), hours(6));
  EXPECT_EQ(ran(), "collect ");
  clock_.now += hours(18);
  schedule.work_once();
  EXPECT_EQ(ran(), "prune collect ");
}

TEST_F(ScheduleTest, ItGoesByWhatTheJournalKnows) {
  last_["prune"] = Timestamp{clock_.now.count() - 3600, 0};
  Schedule schedule(clock_, {chore("prune", hours(24))});
  EXPECT_EQ(schedule.work_once(), hours(23));
  EXPECT_EQ(ran(), "");
}

TEST_F(ScheduleTest, AFailureIsTriedAgainSooner) {
  failing_ = true;
  Schedule schedule(clock_, {chore("prune", hours(24))});
  EXPECT_EQ(schedule.work_once(), hours(1));
  EXPECT_EQ(ran(), "prune ");
  EXPECT_EQ(schedule.work_once(), hours(1));
  EXPECT_EQ(ran(), "");
  clock_.now += hours(1);
  failing_ = false;
  EXPECT_EQ(schedule.work_once(), hours(24));
  EXPECT_EQ(ran(), "prune ");
}

TEST_F(ScheduleTest, NewIntervalsHoldAtOnce) {
  Schedule schedule(clock_, {chore("prune", {}), chore("collect", hours(24))});
  EXPECT_EQ(schedule.work_once(), hours(24));
  EXPECT_EQ(ran(), "collect ");
  schedule.set_intervals({hours(2), hours(0)});
  EXPECT_EQ(schedule.work_once(), hours(2));
  EXPECT_EQ(ran(), "prune ");
}

TEST_F(ScheduleTest, TheThreadWorksAndStops) {
  std::mutex mutex;
  std::condition_variable changed;
  int times = 0;
  Chore counted = chore("prune", hours(24));
  counted.last = [] { return std::nullopt; };
  counted.run = [&]() -> Status {
    const std::lock_guard lock(mutex);
    ++times;
    changed.notify_all();
    return {};
  };
  Schedule schedule(clock_, {counted});
  schedule.start();
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, seconds(60), [&] { return times == 1; }));
  lock.unlock();
  schedule.set_intervals({hours(12)});
  lock.lock();
  ASSERT_TRUE(changed.wait_for(lock, seconds(60), [&] { return times == 2; }));
  lock.unlock();
  schedule.stop();
}

}  // namespace
}  // namespace rb::daemon
