#include "repository/number_set.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace rb {
namespace {

TEST(NumberSetTest, HoldsWhatWasAddedAndNothingElse) {
  NumberSet set;
  for (const std::uint64_t n : {5, 6, 7, 100, 3, 6})
    set.add(n);
  for (const std::uint64_t n : {3, 5, 6, 7, 100})
    EXPECT_TRUE(set.contains(n)) << n;
  for (const std::uint64_t n : {0, 4, 8, 99, 101})
    EXPECT_FALSE(set.contains(n)) << n;
}

TEST(NumberSetTest, ARunOfNumbersTakesNoRoom) {
  NumberSet set;
  for (std::uint64_t n = 1; n <= 1'000'000; ++n)
    set.add(n);
  EXPECT_EQ(set.run_count(), 1u);
}

TEST(NumberSetTest, NeverHoldsLessThanWasAddedHoweverLittleRoomItHas) {
  EXPECT_TRUE(rc::check("bounded, and a superset", [] {
    NumberSet set(16);
    std::set<std::uint64_t> added;
    const auto stride = *rc::gen::inRange<std::uint64_t>(1, 1000);
    const auto count = *rc::gen::inRange<std::size_t>(1, 12000);
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < count; ++i) {
      n = (n * 2862933555777941757ull + stride) % 1'000'003;
      set.add(n);
      added.insert(n);
    }
    RC_ASSERT(set.run_count() <= 16u + 4096u);
    for (const std::uint64_t one : added)
      RC_ASSERT(set.contains(one));
  }));
}

}  // namespace
}  // namespace rb
