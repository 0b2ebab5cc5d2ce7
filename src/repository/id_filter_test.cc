#include "repository/id_filter.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace rb {
namespace {

DomainKey random_key() {
  return {1, random_id<ObjectId>()};
}

TEST(IdFilterTest, WhatWasAddedIsNeverDenied) {
  IdFilter filter(1000);
  std::vector<DomainKey> keys(5000);  // more than it was made for
  for (DomainKey& key : keys) {
    key = random_key();
    filter.add(key);
  }
  for (const DomainKey& key : keys)
    EXPECT_TRUE(filter.may_contain(key));
}

TEST(IdFilterTest, FewOfTheOthersPass) {
  constexpr int kIds = 100'000;
  IdFilter filter(kIds);
  for (int i = 0; i < kIds; ++i)
    filter.add(random_key());
  int passed = 0;
  for (int i = 0; i < kIds; ++i)
    passed += filter.may_contain(random_key()) ? 1 : 0;
  EXPECT_LT(passed, kIds / 50);
}

TEST(IdFilterTest, AnotherDomainIsAnotherId) {
  IdFilter filter(1000);
  const DomainKey key = random_key();
  filter.add(key);
  EXPECT_FALSE(filter.may_contain({2, key.id}));
}

TEST(IdFilterTest, MemoryIsBounded) {
  EXPECT_LE(IdFilter(UINT64_MAX).bytes(), kIdFilterBytesMax);
  EXPECT_GT(IdFilter(0).bytes(), 0u);
}

}  // namespace
}  // namespace rb
