#include "repository/number_bitmap.h"

#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "repository/dead_set.h"

namespace rb {
namespace {

constexpr std::uint64_t kPage = NumberBitmap::kPageNumbers;

// Numbers near the borders of words and pages, where mistakes are made.
ObjectNumber number_from(std::uint32_t seed) {
  const std::uint64_t base[] = {0, 64, kPage - 70, 3 * kPage - 5, 9 * kPage, UINT64_MAX - 300};
  return base[seed % 6] + seed / 6 % 300;
}

TEST(NumberBitmapTest, HoldsWhatWasAddedAndNothingElse) {
  EXPECT_TRUE(rc::check([](const std::vector<std::pair<std::uint32_t, std::uint32_t>>& steps) {
    NumberBitmap bitmap;
    std::set<ObjectNumber> expected;
    for (const auto& [seed, length] : steps) {
      const ObjectNumber first = number_from(seed);
      if (length % 3 != 0) {
        RC_ASSERT(bitmap.add(first) == expected.insert(first).second);
        continue;
      }
      const ObjectNumber end = first + std::min<std::uint64_t>(length % 400, UINT64_MAX - first);
      bitmap.add_range(first, end);
      for (ObjectNumber n = first; n < end; ++n)
        expected.insert(n);
    }
    RC_ASSERT(bitmap.count() == expected.size());
    for (std::uint32_t seed = 0; seed < 1800; ++seed) {
      const ObjectNumber n = number_from(seed);
      RC_ASSERT(bitmap.contains(n) == expected.contains(n));
    }
  }));
}

TEST(NumberBitmapTest, ALongRangeIsWhole) {
  NumberBitmap bitmap;
  bitmap.add_range(5, 3 * kPage + 7);
  EXPECT_EQ(bitmap.count(), 3 * kPage + 2);
  EXPECT_FALSE(bitmap.contains(4));
  EXPECT_TRUE(bitmap.contains(5));
  EXPECT_TRUE(bitmap.contains(2 * kPage));
  EXPECT_TRUE(bitmap.contains(3 * kPage + 6));
  EXPECT_FALSE(bitmap.contains(3 * kPage + 7));
  bitmap.add_range(9, 9);
  bitmap.add_range(9, 8);
  EXPECT_EQ(bitmap.count(), 3 * kPage + 2);
}

TEST(NumberBitmapTest, PagesArePutTogetherAgain) {
  NumberBitmap bitmap;
  bitmap.add(1);
  bitmap.add_range(kPage - 3, kPage + 3);
  bitmap.add(100 * kPage);
  EXPECT_EQ(bitmap.pages().size(), 3u);
  NumberBitmap other;
  for (const auto& [index, page] : bitmap.pages())
    other.add_page(index, *page);
  EXPECT_EQ(other, bitmap);
  EXPECT_EQ(other.count(), 8u);
  other.add_page(7, NumberBitmap::Page{});
  EXPECT_EQ(other, bitmap);
  other.add(2);
  EXPECT_FALSE(other == bitmap);
}

TEST(NumberBitmapTest, AMovedOneIsEmptyAndUsable) {
  NumberBitmap first;
  first.add(7);
  NumberBitmap second = std::move(first);
  EXPECT_TRUE(second.contains(7));
  first = NumberBitmap{};
  EXPECT_TRUE(first.add(7));
  EXPECT_TRUE(second.add(8));
  EXPECT_EQ(first.count(), 1u);
  EXPECT_EQ(second.count(), 2u);
}

TEST(DeadSetTest, IsWhatLiesBelowTheLimitUnmarked) {
  DeadSet dead;
  EXPECT_FALSE(dead.contains(0));
  dead.limit = 10;
  dead.marked.add(3);
  EXPECT_TRUE(dead.contains(2));
  EXPECT_FALSE(dead.contains(3));
  EXPECT_TRUE(dead.contains(9));
  EXPECT_FALSE(dead.contains(10));
}

}  // namespace
}  // namespace rb
