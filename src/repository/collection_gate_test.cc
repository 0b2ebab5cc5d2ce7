#include "repository/collection_gate.h"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "repository/session_state.h"

namespace rb {
namespace {

using MarkPage = CollectionGate::MarkPage;

std::shared_ptr<SessionState> make_session() {
  return std::make_shared<SessionState>(1, SessionOwner{}, BeginRequest{});
}

std::vector<HeldObject> metadata(std::initializer_list<ObjectNumber> numbers) {
  std::vector<HeldObject> held;
  for (const ObjectNumber number : numbers)
    held.push_back({number, true});
  return held;
}

void pass(CollectionGate& gate, const std::vector<MarkPage>& pages) {
  gate.begin_pass();
  gate.scan(pages);
  gate.end_pass();
}

TEST(CollectionGateTest, NothingIsDeadAtFirst) {
  CollectionGate gate;
  EXPECT_EQ(gate.dead_set(), nullptr);
  const auto session = make_session();
  EXPECT_EQ(gate.hold(*session, gate.epoch(), metadata({3})), true);
  EXPECT_TRUE(session->pins(3));
  EXPECT_TRUE(gate.admit_root(gate.epoch(), 3));
}

TEST(CollectionGateTest, WhatTheMarkDoesNotReachIsDead) {
  CollectionGate gate;
  gate.begin_mark(10);
  gate.add_roots(std::vector<ObjectNumber>{8});
  gate.add_root_range(5, 7);
  EXPECT_FALSE(gate.try_freeze()) << "no pass yet";
  pass(gate, {{8, {2, 3}}, {6, {1}}, {4, {0}}, {3, {}}});
  const std::uint64_t epoch = gate.epoch();
  ASSERT_TRUE(gate.try_freeze());
  EXPECT_GT(gate.epoch(), epoch);
  std::set<ObjectNumber> dead;
  for (ObjectNumber n = 0; n < 20; ++n) {
    if (gate.dead_set()->contains(n)) dead.insert(n);
  }
  EXPECT_EQ(dead, (std::set<ObjectNumber>{0, 4, 7, 9}));
  gate.lift();
  EXPECT_EQ(gate.dead_set(), nullptr);
  EXPECT_GT(gate.epoch(), epoch + 1);
}

TEST(CollectionGateTest, AnAnswerOfBeforeTheFreezeHoldsNothing) {
  CollectionGate gate;
  const auto session = make_session();
  const std::uint64_t before = gate.epoch();
  gate.begin_mark(10);
  EXPECT_EQ(gate.hold(*session, before, metadata({2})), true) << "a mark that begins changes no answer";
  pass(gate, {});
  ASSERT_TRUE(gate.try_freeze());
  EXPECT_EQ(gate.hold(*session, before, metadata({3})), false);
  EXPECT_FALSE(session->pins(3));
  EXPECT_FALSE(gate.admit_root(before, 3));
  const std::uint64_t frozen = gate.epoch();
  EXPECT_EQ(gate.hold(*session, frozen, metadata({2})), true);
  gate.lift();
  EXPECT_EQ(gate.hold(*session, frozen, metadata({2})), false);
}

TEST(CollectionGateTest, AFencedSessionHoldsNothing) {
  CollectionGate gate;
  const auto session = make_session();
  session->fenced = true;
  const Result<bool> held = gate.hold(*session, gate.epoch(), metadata({3}));
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, Errc::fenced);
  EXPECT_FALSE(session->pins(3));
}

TEST(CollectionGateTest, WhatIsHeldBehindThePassIsLate) {
  CollectionGate gate;
  const auto session = make_session();
  gate.begin_mark(10);
  gate.begin_pass();
  gate.scan(std::vector<MarkPage>{{8, {1}}, {6, {2}}});
  ASSERT_EQ(gate.hold(*session, gate.epoch(), metadata({8, 4})), true);
  ASSERT_EQ(gate.hold(*session, gate.epoch(), std::vector<HeldObject>{{9, false}}), true);
  gate.scan(std::vector<MarkPage>{{4, {3}}});
  gate.end_pass();
  EXPECT_FALSE(gate.try_freeze());
  const CollectionGate::Late late = gate.take_late();
  EXPECT_EQ(late.numbers, std::vector<ObjectNumber>{8});
  EXPECT_FALSE(late.pass_again);
  EXPECT_FALSE(gate.try_freeze()) << "taken, but not scanned";
  gate.scan_late(std::vector<MarkPage>{{8, {1}}});
  // Each child may be metadata that the pass has gone by; that it is a chunk turns out when it is read.
  EXPECT_EQ(gate.take_late().numbers, std::vector<ObjectNumber>{1});
  gate.scan_late(std::vector<MarkPage>{{1, {}}});
  ASSERT_TRUE(gate.try_freeze());
  for (const ObjectNumber alive : {1u, 3u, 4u, 8u, 9u, 10u})
    EXPECT_FALSE(gate.dead_set()->contains(alive)) << alive;
  for (const ObjectNumber dead : {2u, 5u, 6u, 7u})
    EXPECT_TRUE(gate.dead_set()->contains(dead)) << dead;
}

TEST(CollectionGateTest, TooManyLateOnesNeedAnotherPass) {
  CollectionGate gate;
  const auto session = make_session();
  const ObjectNumber limit = 3 * kLateMax;
  gate.begin_mark(limit);
  pass(gate, {});
  std::vector<HeldObject> held;
  for (ObjectNumber n = 1; n <= kLateMax + 1; ++n)
    held.push_back({2 * n, true});
  ASSERT_EQ(gate.hold(*session, gate.epoch(), held), true);
  const CollectionGate::Late late = gate.take_late();
  EXPECT_TRUE(late.numbers.empty());
  EXPECT_TRUE(late.pass_again);
  EXPECT_EQ(gate.begin_pass(), held.back().number + 1);
  gate.scan(std::vector<MarkPage>{{held.back().number, {1}}});
  gate.end_pass();
  EXPECT_TRUE(gate.try_freeze());
  EXPECT_FALSE(gate.dead_set()->contains(1));
  EXPECT_TRUE(gate.dead_set()->contains(3));
}

TEST(CollectionGateTest, WhatIsBornKeepsAllItRefersTo) {
  CollectionGate gate;
  const auto session = make_session();
  gate.begin_mark(10);
  pass(gate, {});
  NewObject late_number, new_number;
  late_number.number = 9;  // reserved before the mark began
  late_number.children = {4};
  new_number.number = 12;
  new_number.children = {9, 11, 5};
  gate.born(*session, std::vector<NewObject>{late_number, new_number});
  EXPECT_TRUE(session->pins(9) && session->pins(12));
  const CollectionGate::Late late = gate.take_late();
  EXPECT_EQ(late.numbers, (std::vector<ObjectNumber>{4, 5}));
  gate.scan_late(std::vector<MarkPage>{{4, {}}, {5, {2}}});
  EXPECT_EQ(gate.take_late().numbers, std::vector<ObjectNumber>{2});
  gate.scan_late(std::vector<MarkPage>{{2, {}}});
  ASSERT_TRUE(gate.try_freeze());
  for (const ObjectNumber alive : {2u, 4u, 5u, 9u, 11u, 12u})
    EXPECT_FALSE(gate.dead_set()->contains(alive)) << alive;
}

TEST(CollectionGateTest, AnAbandonedMarkLeavesNothing) {
  CollectionGate gate;
  gate.begin_mark(10);
  gate.add_roots(std::vector<ObjectNumber>{3});
  const std::uint64_t epoch = gate.epoch();
  const DeadSet white = gate.abandon_mark();
  EXPECT_TRUE(white.contains(4) && !white.contains(3));
  EXPECT_EQ(gate.epoch(), epoch);
  EXPECT_EQ(gate.dead_set(), nullptr);
  gate.begin_mark(10);
  pass(gate, {});
  ASSERT_TRUE(gate.try_freeze());
  EXPECT_TRUE(gate.dead_set()->contains(3));
}

// Objects with random references, most to lower numbers; sessions and a collector in a random order.
class RandomMark {
 public:
  explicit RandomMark(std::uint64_t seed) : random_(seed) {
    const ObjectNumber count = 2 + below(40);
    for (ObjectNumber n = 1; n < count; ++n)
      children_[n] = references(below(12) == 0 ? count : n);
    next_ = count;
  }

  // Whether every freeze found nothing grey: all that the marked refer to is marked.
  void run() {
    gate_.begin_mark(next_);
    limit_ = next_;
    gate_.add_root_range(below(limit_) + 1, limit_ + below(3));
    while (true) {
      if (below(3) == 0) act_as_session();
      if (gate_.try_freeze()) break;
      act_as_collector();
    }
    check();
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::vector<ObjectNumber> references(ObjectNumber bound) {
    std::vector<ObjectNumber> refs;
    for (std::uint64_t i = below(4); i > 0 && bound > 1; --i)
      refs.push_back(1 + below(bound - 1));
    return refs;
  }

  void act_as_session() {
    const ObjectNumber number = 1 + below(next_ - 1);
    switch (below(3)) {
      case 0: {
        const std::vector<HeldObject> one{{number, !children_[number].empty()}};
        RC_ASSERT(gate_.hold(*session_, gate_.epoch(), one).value());
        held_.insert(number);
        return;
      }
      case 1: {
        NewObject object;
        object.number = next_++;
        object.children = references(object.number);
        children_[object.number] = object.children;
        gate_.born(*session_, std::vector<NewObject>{object});
        return;
      }
      default:
        RC_ASSERT(gate_.admit_root(gate_.epoch(), number));
        held_.insert(number);
    }
  }

  void act_as_collector() {
    if (in_pass_) {
      std::vector<MarkPage> pages;
      for (std::uint64_t i = 1 + below(3); i > 0 && at_ > 1; --i) {
        --at_;
        if (!children_[at_].empty()) pages.push_back({at_, children_[at_]});
      }
      gate_.scan(pages);
      if (at_ > 1) return;
      gate_.end_pass();
      in_pass_ = false;
      passed_ = true;
      return;
    }
    const CollectionGate::Late late = passed_ ? gate_.take_late() : CollectionGate::Late{{}, true};
    std::vector<MarkPage> pages;
    for (const ObjectNumber n : late.numbers)
      pages.push_back({n, children_[n]});
    if (!pages.empty()) {
      act_as_session();  // between taking and scanning
      RC_ASSERT(!gate_.try_freeze());
      gate_.scan_late(pages);
    }
    if (!late.pass_again) return;
    at_ = gate_.begin_pass();
    in_pass_ = true;
  }

  void check() {
    const auto dead = gate_.dead_set();
    RC_ASSERT(dead->limit == limit_);
    for (const ObjectNumber n : held_)
      RC_ASSERT(!dead->contains(n));
    for (const auto& [number, children] : children_) {
      if (dead->contains(number)) continue;
      for (const ObjectNumber child : children)
        RC_ASSERT(!dead->contains(child));
    }
  }

  std::mt19937_64 random_;
  CollectionGate gate_;
  std::shared_ptr<SessionState> session_ = make_session();
  std::map<ObjectNumber, std::vector<ObjectNumber>> children_;
  std::set<ObjectNumber> held_;
  ObjectNumber next_ = 1, limit_ = 0, at_ = 0;
  bool in_pass_ = false, passed_ = false;
};

TEST(CollectionGateTest, AFreezeNeverHasAnythingGrey) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    for (std::uint64_t i = 0; i < 20; ++i)
      RandomMark(seed * 20 + i).run();
  }));
}

}  // namespace
}  // namespace rb
