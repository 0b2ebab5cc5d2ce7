#include "repository/row_cache.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace rb {
namespace {

TEST(RowCacheTest, FindsTheRowOfTheKeyOrNothing) {
  constexpr ObjectNumber kRows = 1000;
  RowCache cache(64);
  std::vector<DomainKey> keys(kRows);
  for (ObjectNumber i = 0; i < kRows; ++i) {
    keys[i] = {1, random_id<ObjectId>()};
    EXPECT_EQ(cache.find(keys[i]), nullptr);
    cache.put(keys[i], {.number = i + 1});
    ASSERT_NE(cache.find(keys[i]), nullptr);
    EXPECT_EQ(cache.find({2, keys[i].id}), nullptr);
  }
  std::size_t found = 0;
  for (ObjectNumber i = 0; i < kRows; ++i) {
    const ObjectRow* row = cache.find(keys[i]);
    if (row == nullptr) continue;
    ++found;
    EXPECT_EQ(row->number, i + 1);
  }
  cache.forget(keys.back());
  EXPECT_EQ(cache.find(keys.back()), nullptr);
  EXPECT_GT(found, 0u);
  EXPECT_LE(found, 64u);
}

}  // namespace
}  // namespace rb
