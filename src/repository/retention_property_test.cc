// What must hold of every policy and history, however unlikely.
#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "repository/retention.h"

namespace rb {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::int64_t kEpoch = 1'700'000'000, kDaySeconds = 86400, kSpan = 900 * kDaySeconds;

using History = std::vector<RetentionSnapshot>;
using Kept = std::set<std::uint64_t>;  // sequences

RetentionPolicy any_policy() {
  const auto count = [] {
    return *rc::gen::weightedOneOf<std::uint32_t>(
        {{4, rc::gen::just(0u)}, {5, rc::gen::inRange(1u, 12u)}, {1, rc::gen::just(kKeepAll)}});
  };
  RetentionPolicy policy;
  policy.last = count();
  policy.hourly = count();
  policy.daily = count();
  policy.weekly = count();
  policy.monthly = count();
  policy.yearly = count();
  policy.within = hours(*rc::gen::inRange<std::int64_t>(0, 3) * *rc::gen::inRange<std::int64_t>(0, 1000));
  policy.floor = hours(*rc::gen::inRange<std::int64_t>(0, 3) * *rc::gen::inRange<std::int64_t>(0, 300));
  RC_PRE(check_retention_policy(policy).has_value());
  return policy;
}

// Bursts and silences; now and then a clock that went back.
History any_history() {
  History history;
  std::int64_t time = kEpoch;
  const int count = *rc::gen::inRange(0, 60);
  for (int i = 0; i < count; ++i) {
    const std::int64_t unit =
        *rc::gen::element<std::int64_t>(0, 1, 60, 3600, kDaySeconds, 7 * kDaySeconds, 31 * kDaySeconds);
    const int direction = *rc::gen::inRange(0, 20) == 0 ? -1 : 1;
    time += direction * unit * *rc::gen::inRange<std::int64_t>(0, 5);
    RetentionSnapshot snapshot{.sequence = static_cast<std::uint64_t>(i) + 1, .received = {time, 0}};
    snapshot.pinned = *rc::gen::inRange(0, 10) == 0;
    history.push_back(snapshot);
  }
  return history;
}

Timestamp any_now() {
  return {kEpoch + *rc::gen::inRange<std::int64_t>(0, kSpan), 0};
}

ZoneOffset any_zone() {
  const seconds offset(*rc::gen::inRange<std::int64_t>(-12, 15) * 3600);
  return [offset](std::int64_t) { return offset; };
}

std::vector<RetentionVerdict> judge(const RetentionPolicy& policy, const History& history,
                                    const Timestamp& now, const ZoneOffset& zone = utc_offset) {
  auto verdicts = judge_retention(policy, history, now, zone);
  RC_ASSERT(verdicts.has_value());
  return *verdicts;
}

Kept kept_of(const std::vector<RetentionVerdict>& verdicts) {
  Kept kept;
  for (const RetentionVerdict& v : verdicts) {
    if (v.kept()) kept.insert(v.sequence);
  }
  return kept;
}

bool contains(const Kept& larger, const Kept& smaller) {
  return std::ranges::includes(larger, smaller);
}

TEST(RetentionPropertyTest, ALargerPolicyKeepsAllThatASmallerOneDoes) {
  EXPECT_TRUE(rc::check([] {
    const RetentionPolicy small = any_policy(), other = any_policy();
    RetentionPolicy large;
    large.last = std::max(small.last, other.last);
    large.hourly = std::max(small.hourly, other.hourly);
    large.daily = std::max(small.daily, other.daily);
    large.weekly = std::max(small.weekly, other.weekly);
    large.monthly = std::max(small.monthly, other.monthly);
    large.yearly = std::max(small.yearly, other.yearly);
    large.within = std::max(small.within, other.within);
    large.floor = std::max(small.floor, other.floor);
    const History history = any_history();
    const Timestamp now = any_now();
    const ZoneOffset zone = any_zone();
    RC_ASSERT(contains(kept_of(judge(large, history, now, zone)), kept_of(judge(small, history, now, zone))));
  }));
}

TEST(RetentionPropertyTest, ToJudgeAgainWhatWasKeptChangesNothing) {
  EXPECT_TRUE(rc::check([] {
    const RetentionPolicy policy = any_policy();
    const History history = any_history();
    const Timestamp now = any_now();
    const ZoneOffset zone = any_zone();
    const Kept kept = kept_of(judge(policy, history, now, zone));
    History rest;
    std::ranges::copy_if(history, std::back_inserter(rest),
                         [&](const RetentionSnapshot& s) { return kept.contains(s.sequence); });
    RC_ASSERT(kept_of(judge(policy, rest, now, zone)) == kept);
  }));
}

TEST(RetentionPropertyTest, TheOrderOfTheInputDoesNotMatter) {
  EXPECT_TRUE(rc::check([] {
    const RetentionPolicy policy = any_policy();
    History history = any_history();
    const Timestamp now = any_now();
    const auto verdicts = judge(policy, history, now);
    std::ranges::reverse(history);
    RC_ASSERT(judge(policy, history, now) == verdicts);
    const std::size_t by = history.empty() ? 0 : *rc::gen::inRange<std::size_t>(0, history.size());
    std::ranges::rotate(history, history.begin() + static_cast<std::ptrdiff_t>(by));
    RC_ASSERT(judge(policy, history, now) == verdicts);
    RC_ASSERT(std::ranges::is_sorted(verdicts, std::greater{}, &RetentionVerdict::sequence));
  }));
}

TEST(RetentionPropertyTest, HeadPinnedFutureAndYoungOnesStay) {
  EXPECT_TRUE(rc::check([] {
    const RetentionPolicy policy = any_policy();
    const History history = any_history();
    const Timestamp now = any_now();
    const Kept kept = kept_of(judge(policy, history, now));
    const std::int64_t age_max = std::max(policy.floor, policy.within).count();
    for (const RetentionSnapshot& s : history) {
      const bool young = age_max > 0 && now.seconds - s.received.seconds <= age_max;
      if (s.sequence == history.size() || s.pinned || s.received > now || young) {
        RC_ASSERT(kept.contains(s.sequence));
      }
    }
    RC_ASSERT(kept.size() >= std::min<std::size_t>(policy.last, history.size()));
  }));
}

// A place of a rule is taken once, the places are those from 1 up, and no more than the policy gives.
TEST(RetentionPropertyTest, PlacesAreGivenOnceAndInOrder) {
  EXPECT_TRUE(rc::check([] {
    const RetentionPolicy policy = any_policy();
    const std::map<KeepRule, std::uint32_t> counts{
        {KeepRule::last, policy.last},       {KeepRule::hourly, policy.hourly},
        {KeepRule::daily, policy.daily},     {KeepRule::weekly, policy.weekly},
        {KeepRule::monthly, policy.monthly}, {KeepRule::yearly, policy.yearly}};
    std::map<KeepRule, std::set<std::uint32_t>> places;
    for (const RetentionVerdict& v : judge(policy, any_history(), any_now(), any_zone())) {
      RC_ASSERT(std::ranges::is_sorted(v.reasons, {}, &KeepReason::rule));
      for (const KeepReason& reason : v.reasons) {
        RC_ASSERT((reason.place > 0) == counts.contains(reason.rule));
        if (reason.place > 0) RC_ASSERT(places[reason.rule].insert(reason.place).second);
      }
    }
    for (const auto& [rule, taken] : places) {
      RC_ASSERT(*taken.rbegin() == taken.size());
      RC_ASSERT(taken.size() <= counts.at(rule));
    }
  }));
}

// Whoever holds a node's credential can add snapshots, and nothing else.
TEST(RetentionPropertyTest, AFloodPushesNothingOutOfEarlierPeriods) {
  EXPECT_TRUE(rc::check([] {
    RetentionPolicy policy = any_policy();
    policy.last = 0;  // the rule that a flood takes all places of; the floor is checked below
    policy.monthly = std::max(policy.monthly, 1u);
    History history = any_history();
    RC_PRE(!history.empty());
    const auto latest = std::ranges::max(history, {}, &RetentionSnapshot::received);
    // The hour in which the newest was received, flooded.
    const Timestamp now{(latest.received.seconds / 3600 + 1) * 3600, 0};
    const Kept before = kept_of(judge(policy, history, now));
    const std::size_t honest = history.size();
    for (int i = 0; i < 1000; ++i) {
      history.push_back({.sequence = history.size() + 1,
                         .received = {std::min(latest.received.seconds + i, now.seconds - 1), 0}});
    }
    const Kept after = kept_of(judge(policy, history, now));
    for (const std::uint64_t sequence : before) {
      const RetentionSnapshot& s = history[sequence - 1];
      const bool same_hour = s.received.seconds / 3600 == latest.received.seconds / 3600;
      // Not the head any more, and its hour's, day's ... newest is another.
      if (same_hour || sequence == honest) continue;
      // Counted back from the newest, which may now be younger by less than an hour.
      const std::int64_t age = latest.received.seconds - s.received.seconds;
      const bool at_the_edge = std::max(policy.within, policy.floor).count() - age < 3600;
      RC_ASSERT(after.contains(sequence) || at_the_edge);
    }
    for (const RetentionSnapshot& s : history) {
      if (now.seconds - s.received.seconds <= policy.floor.count() && policy.floor > seconds(0)) {
        RC_ASSERT(after.contains(s.sequence));
      }
    }
  }));
}

}  // namespace
}  // namespace rb
