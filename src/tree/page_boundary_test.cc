#include "tree/page_boundary.h"

#include <gtest/gtest.h>

#include "support/tree_samples.h"

namespace rb {
namespace {

using samples::numbered;

// The boundaries are part of the format: another rule would not damage anything, but would share no page with
// what is stored.
TEST(PageBoundaryTest, TheRuleIsTheDocumentedOne) {
  std::vector<int> boundaries[2];
  for (int level : {0, 1}) {
    for (int i = 0; i < 200; ++i) {
      if (is_boundary_name(numbered(i), level)) boundaries[level].push_back(i);
    }
  }
  EXPECT_EQ(boundaries[0], (std::vector<int>{62, 76, 97, 118}));
  EXPECT_EQ(boundaries[1], (std::vector<int>{0, 124}));
  EXPECT_FALSE(is_boundary_name("", 0));
}

TEST(PageBoundaryTest, OneNameInThirtyTwoWhateverTheNamesLookLike) {
  for (const char* prefix :
       {"", "a", "IMG_2024", "a-very-long-prefix-of-names-that-differ-at-the-end-only-"}) {
    for (int level : {0, 1, 2}) {
      int count = 0;
      for (int i = 0; i < 32000; ++i)
        count += is_boundary_name(prefix + std::to_string(i), level);
      EXPECT_NEAR(count, 1000, 150) << prefix << " at level " << level;
    }
  }
}

std::size_t items_until_close(PageBoundary boundary, std::string_view name, std::size_t weight) {
  std::size_t items = 1;
  while (!boundary.add(name, weight))
    ++items;
  return items;
}

std::string find_name(bool boundary) {
  for (int i = 0;; ++i) {
    if (is_boundary_name(numbered(i), 0) == boundary) return numbered(i);
  }
}

TEST(PageBoundaryTest, MinimumMaximumAndWeight) {
  EXPECT_EQ(items_until_close(PageBoundary(0), find_name(true), 1), kPageItemsMin);
  EXPECT_EQ(items_until_close(PageBoundary(0), find_name(false), 1), kPageItemsMax);
  EXPECT_EQ(items_until_close(PageBoundary(0), find_name(false), kPageWeightClose), 1u);
  EXPECT_EQ(items_until_close(PageBoundary(0), find_name(false), kPageWeightClose / 4), 4u);
}

TEST(PageBoundaryTest, BeginsAnewAfterItClosed) {
  PageBoundary boundary(0);
  const std::string name = find_name(true);
  for (int page = 0; page < 3; ++page) {
    for (std::size_t i = 1; i < kPageItemsMin; ++i)
      EXPECT_FALSE(boundary.add(name, 1));
    EXPECT_TRUE(boundary.add(name, 1));
  }
}

TEST(PageBoundaryTest, AnEntryWithTooManyReferencesIsRefused) {
  Entry entry = samples::file("a");
  for (int i = 0; i < 16000; ++i) {
    entry.xattrs.push_back(
        {.name = numbered(i), .value = {}, .chunk = samples::chunk_file(numbered(i)).content});
  }
  EXPECT_EQ(check_entry_fits(entry).error().code, Errc::invalid_argument);
  entry.xattrs.resize(9000);  // more than the kernel lists
  EXPECT_TRUE(check_entry_fits(entry).has_value());
}

}  // namespace
}  // namespace rb
