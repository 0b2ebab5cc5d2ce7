#include "repository/claim_table.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace rb {
namespace {

using std::chrono::seconds;

ObjectId id_of(std::uint64_t number) {
  return ObjectId::from(hash(ByteView(reinterpret_cast<const std::uint8_t*>(&number), sizeof number)).view());
}

TEST(ClaimTableTest, OneDomainsClaimIsNotAnothers) {
  ClaimTable claims;
  claims.begin_session(1);
  claims.begin_session(2);
  EXPECT_TRUE(claims.claim(1, 10, id_of(1), seconds(0)));
  EXPECT_TRUE(claims.claim(2, 20, id_of(1), seconds(0)));
  EXPECT_FALSE(claims.claim(2, 10, id_of(1), seconds(0)));
}

TEST(ClaimTableTest, WhatHasComeIsNoLongerClaimed) {
  ClaimTable claims;
  claims.begin_session(1);
  EXPECT_TRUE(claims.claim(1, 10, id_of(1), seconds(0)));
  claims.drop(10, std::vector{id_of(1), id_of(2)});
  EXPECT_EQ(claims.size(), 0u);
}

TEST(ClaimTableTest, EndedClaimsDoNotPileUp) {
  ClaimTable claims;
  claims.begin_session(1);
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    EXPECT_TRUE(claims.claim(1, 10, id_of(i), std::chrono::milliseconds(i * 100)));
  }
  EXPECT_LT(claims.size(), 3000u);
}

TEST(ClaimTableTest, AFullTableLetsObjectsBeSentUnclaimed) {
  ClaimTable claims;
  claims.begin_session(1);
  claims.begin_session(2);
  for (std::uint64_t i = 0; i < kMaxClaims + 10; ++i)
    EXPECT_TRUE(claims.claim(1, 10, id_of(i), seconds(0)));
  EXPECT_EQ(claims.size(), kMaxClaims);
  EXPECT_FALSE(claims.claim(2, 10, id_of(0), seconds(0)));
  EXPECT_TRUE(claims.claim(2, 10, id_of(kMaxClaims + 5), seconds(0)));
}

}  // namespace
}  // namespace rb
