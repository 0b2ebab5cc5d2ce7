// Who is served next, and how fast: shares in turn, within their limits. Time is what the test says.
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "net/pace_queue.h"
#include "net/share_counts.h"
#include "net/work_queue.h"

namespace rb::net {
namespace {

using TimePoint = TokenBucket::TimePoint;
using std::chrono::nanoseconds;

constexpr TimePoint kStart = TimePoint() + std::chrono::hours(1000);

TEST(RoundRobinTest, ShareByShareEachInItsOwnOrder) {
  RoundRobin<std::string> queue;
  for (const char* item : {"a1", "a2", "a3"})
    queue.push(1, item);
  queue.push(2, "b1");
  queue.push(3, "c1");
  queue.push(3, "c2");
  std::string order;
  while (auto next = queue.take([](std::uint64_t, const std::string&) { return Turn::take; }))
    order += next->second + " ";
  EXPECT_EQ(order, "a1 b1 c1 a2 c2 a3 ");
  EXPECT_TRUE(queue.empty());
}

TEST(RoundRobinTest, WhoIsSkippedKeepsItsPlaceAndStopEndsTheRound) {
  RoundRobin<int> queue;
  queue.push(1, 10);
  queue.push(2, 20);
  queue.push(2, 21);
  const auto only = [&](std::uint64_t wanted, Turn otherwise) {
    return queue.take([=](std::uint64_t share, int) { return share == wanted ? Turn::take : otherwise; });
  };
  EXPECT_EQ(only(2, Turn::stop), std::nullopt);
  EXPECT_EQ(only(2, Turn::skip)->second, 20);
  EXPECT_EQ(queue.take([](std::uint64_t, int) { return Turn::take; })->second, 10);
  EXPECT_EQ(queue.size(), 1u);
}

// However the others behave, a share that waits is served after at most one item of each other share.
TEST(RoundRobinTest, NobodyWaitsForMoreThanOneTurnOfEachOther) {
  EXPECT_TRUE(rc::check([](const std::vector<std::pair<std::uint8_t, bool>>& steps) {
    RoundRobin<int> queue;
    std::map<std::uint64_t, std::map<std::uint64_t, int>> passed;  // of each that waits: turns of others
    for (const auto& [number, is_push] : steps) {
      const std::uint64_t pushed = number % 5;
      if (is_push) {
        queue.push(pushed, 0);
        passed.try_emplace(pushed);
        continue;
      }
      const auto next = queue.take([](std::uint64_t, int) { return Turn::take; });
      if (!next) continue;
      const std::uint64_t served = next->first;
      passed.erase(served);
      for (auto& [share, turns] : passed)
        RC_ASSERT(++turns[served] <= 1);
      // It may have more: then it waits again from here.
      bool has_more = false;
      (void)queue.take([&](std::uint64_t share, int) {
        has_more |= share == served;
        return Turn::skip;
      });
      if (has_more) passed.try_emplace(served);
    }
  }));
}

TEST(TokenBucketTest, NeverMoreThanRateAndBurstAndOneTaking) {
  EXPECT_TRUE(rc::check([] {
    const std::uint64_t rate = *rc::gen::inRange<std::uint64_t>(1, 1'000'000'000);
    const std::uint64_t largest = 1 << 16;
    TokenBucket bucket(rate);
    TimePoint now = kStart;
    std::uint64_t taken = 0;
    const int steps = *rc::gen::inRange(1, 200);
    for (int i = 0; i < steps; i++) {
      now += nanoseconds(*rc::gen::inRange<std::int64_t>(0, 20'000'000));
      if (!bucket.is_ready(now)) continue;
      const std::uint64_t bytes = *rc::gen::inRange<std::uint64_t>(0, largest);
      bucket.take(bytes, now);
      taken += bytes;
      const double seconds = std::chrono::duration<double>(now - kStart + TokenBucket::kBurst).count();
      RC_ASSERT(static_cast<double>(taken) <=
                static_cast<double>(rate) * seconds * 1.0001 + static_cast<double>(largest + 200));
    }
  }));
}

TEST(TokenBucketTest, WhoWaitsAsToldGetsTheWholeRate) {
  TokenBucket bucket(1'000'000);
  TimePoint now = kStart;
  std::uint64_t taken = 0;
  while (now < kStart + std::chrono::seconds(10)) {
    EXPECT_TRUE(bucket.is_ready(now));
    bucket.take(50'000, now);
    taken += 50'000;
    if (!bucket.is_ready(now)) now = bucket.ready_at();
  }
  EXPECT_NEAR(static_cast<double>(taken), 10e6 + 100'000, 60'000);
}

TEST(TokenBucketTest, NoRateIsNoLimit) {
  TokenBucket bucket(0);
  bucket.take(1 << 30, kStart);
  EXPECT_TRUE(bucket.is_ready(kStart));
}

// What each share got, when each has as much to send as it may.
std::map<std::uint64_t, std::uint64_t> run_pace(PaceQueue<int>& queue, const std::vector<int>& senders,
                                                std::chrono::seconds time) {
  constexpr std::uint64_t kPiece = 64 << 10;
  std::map<std::uint64_t, std::uint64_t> got;
  for (std::size_t share = 0; share < senders.size(); share++) {
    for (int i = 0; i < senders[share]; i++)
      queue.push(share, kPiece, static_cast<int>(share));
  }
  for (TimePoint now = kStart; now < kStart + time;) {
    while (const auto next = queue.next(now)) {
      const auto share = static_cast<std::uint64_t>(*next);
      got[share] += kPiece;
      queue.push(share, kPiece, *next);
    }
    EXPECT_GT(queue.ask_again_at(), now);
    now = queue.ask_again_at();
  }
  return got;
}

TEST(PaceQueueTest, ManyConnectionsOfOneNodeGetNoMoreThanOneOfAnother) {
  PaceQueue<int> queue(10 << 20, 0);
  const auto got = run_pace(queue, {60, 1}, std::chrono::seconds(10));
  EXPECT_NEAR(static_cast<double>(got.at(0)), static_cast<double>(got.at(1)), 200'000);
  EXPECT_NEAR(static_cast<double>(got.at(0) + got.at(1)), 101.0 * (1 << 20), 1.5e6);
}

TEST(PaceQueueTest, ANodesOwnLimitLeavesTheRestToOthers) {
  PaceQueue<int> queue(10 << 20, 6 << 20);
  const auto alone = run_pace(queue, {1}, std::chrono::seconds(10));
  EXPECT_NEAR(static_cast<double>(alone.at(0)), 60.6 * (1 << 20), 1e6);
  PaceQueue<int> both(10 << 20, 6 << 20);
  const auto got = run_pace(both, {5, 1}, std::chrono::seconds(10));
  EXPECT_NEAR(static_cast<double>(got.at(0)), static_cast<double>(got.at(1)), 200'000);
}

TEST(PaceQueueTest, NodesThatWentAreForgotten) {
  PaceQueue<int> queue(0, 1 << 30);
  TimePoint now = kStart;
  for (std::uint64_t share = 0; share < 3 * PaceQueue<int>::kForgetEvery; share++) {
    queue.push(share, 1, 0);
    EXPECT_TRUE(queue.next(now));
    now += std::chrono::milliseconds(1);
  }
  EXPECT_LT(queue.share_count(), 2 * PaceQueue<int>::kForgetEvery);
  EXPECT_TRUE(queue.empty());
}

TEST(WorkScheduleTest, OneShareNeverHasAllWorkers) {
  WorkSchedule schedule(4, 3);
  for (int i = 0; i < 10; i++)
    schedule.push(1, [] {});
  for (int i = 0; i < 3; i++)
    EXPECT_EQ(schedule.next()->first, 1u);
  EXPECT_FALSE(schedule.next());
  schedule.push(2, [] {});
  EXPECT_EQ(schedule.next()->first, 2u);
  schedule.push(3, [] {});
  EXPECT_FALSE(schedule.next()) << "all are busy";
  schedule.done(2);
  EXPECT_EQ(schedule.next()->first, 3u) << "the other one has its share of them";
  schedule.done(1);
  EXPECT_EQ(schedule.next()->first, 1u);
}

TEST(WorkScheduleTest, ItsLimitsHoldWhateverComes) {
  EXPECT_TRUE(rc::check([](const std::vector<std::pair<std::uint8_t, std::uint8_t>>& steps) {
    constexpr std::size_t kWorkers = 4, kOfOne = 2;
    WorkSchedule schedule(kWorkers, kOfOne);
    std::map<std::uint64_t, std::size_t> running, waiting;
    std::size_t total = 0;
    for (const auto& [kind, number] : steps) {
      const std::uint64_t share = number % 3;
      if (kind % 2 == 0) {
        schedule.push(share, [] {});
        waiting[share]++;
      } else if (running[share] > 0) {
        schedule.done(share);
        running[share]--;
        total--;
      }
      while (const auto next = schedule.next()) {
        RC_ASSERT(waiting[next->first]-- > 0u);
        RC_ASSERT(++running[next->first] <= kOfOne);
        RC_ASSERT(++total <= kWorkers);
      }
      // Nobody waits who could be served.
      for (const auto& [who, count] : waiting)
        RC_ASSERT(count == 0 || total == kWorkers || running[who] == kOfOne);
    }
  }));
}

TEST(ShareCountsTest, EachShareHasItsOwnMaximum) {
  ShareCounts counts(2);
  EXPECT_TRUE(counts.enter(1));
  EXPECT_TRUE(counts.enter(1));
  EXPECT_FALSE(counts.enter(1));
  EXPECT_TRUE(counts.enter(2));
  counts.leave(1);
  EXPECT_TRUE(counts.enter(1));
  EXPECT_EQ(counts.shares(), 2u);
  counts.leave(2);
  EXPECT_EQ(counts.shares(), 1u);
}

}  // namespace
}  // namespace rb::net
