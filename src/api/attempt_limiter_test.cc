// Who failed too often waits, and nobody else does.
#include "api/attempt_limiter.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "support/manual_clock.h"

namespace rb::api {
namespace {

using test::ManualClock;

using std::chrono::seconds;

class AttemptLimiterTest : public testing::Test {
 protected:
  void fail(const std::string& source, int times) {
    for (int i = 0; i < times; ++i)
      limiter_.note_failure(source);
  }

  ManualClock clock_;
  AttemptLimiter limiter_{clock_,
                          {.per_source = {.burst = 3, .interval = seconds(10)},
                           .total = {.burst = 20, .interval = seconds(1)},
                           .max_sources = 5,
                           .max_known = 2}};
};

TEST_F(AttemptLimiterTest, AFewFailuresAreForgiven) {
  fail("a", 2);
  EXPECT_FALSE(limiter_.wait_of_source("a"));
  fail("a", 1);
  EXPECT_EQ(limiter_.wait_of_source("a"), seconds(10));
  EXPECT_FALSE(limiter_.wait_of_source("b"));
}

TEST_F(AttemptLimiterTest, TimeAllowsOneMoreTryAfterAnother) {
  fail("a", 3);
  clock_.now += seconds(9);
  EXPECT_EQ(limiter_.wait_of_source("a"), seconds(1));
  clock_.now += seconds(1);
  EXPECT_FALSE(limiter_.wait_of_source("a"));
  fail("a", 1);
  EXPECT_TRUE(limiter_.wait_of_source("a"));
  clock_.now += seconds(30);
  fail("a", 2);
  EXPECT_FALSE(limiter_.wait_of_source("a")) << "all is forgiven after a while";
}

TEST_F(AttemptLimiterTest, WhoGoesOnWhileRefusedIsNotKeptOutForEver) {
  fail("a", 1000);
  EXPECT_LE(limiter_.wait_of_source("a"), seconds(20));
}

TEST_F(AttemptLimiterTest, AllTogetherAreLimitedToo) {
  for (int i = 0; i < 20; ++i)
    limiter_.note_failure("source " + std::to_string(i));
  EXPECT_TRUE(limiter_.wait_of_all());
  clock_.now += seconds(5);
  EXPECT_FALSE(limiter_.wait_of_all());
}

TEST_F(AttemptLimiterTest, MemoryIsBounded) {
  for (int i = 0; i < 1000; ++i) {
    limiter_.note_failure("source " + std::to_string(i));
    EXPECT_LE(limiter_.sources(), 5u);
  }
  fail("persistent", 3);
  for (int i = 0; i < 100; ++i)
    limiter_.note_failure("another " + std::to_string(i));
  EXPECT_TRUE(limiter_.wait_of_source("persistent")) << "the worst are forgotten last";
}

TEST_F(AttemptLimiterTest, WhatWasRightIsKnownAndNothingElse) {
  const Credential first{random_id<CredentialId>(), random_id<SecretKey>()};
  EXPECT_FALSE(limiter_.is_known(first));
  limiter_.note_success(first);
  limiter_.note_success(first);
  EXPECT_TRUE(limiter_.is_known(first));
  EXPECT_FALSE(limiter_.is_known({first.id, random_id<SecretKey>()})) << "an id is no secret";
  limiter_.note_success({random_id<CredentialId>(), {}});
  EXPECT_TRUE(limiter_.is_known(first));
  limiter_.note_success({random_id<CredentialId>(), {}});
  EXPECT_FALSE(limiter_.is_known(first)) << "the oldest makes room";
}

TEST(AttemptSourceTest, AnIpv6NetworkIsOneSource) {
  EXPECT_EQ(attempt_source("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(attempt_source("::ffff:192.0.2.7"), "::ffff:192.0.2.7");
  EXPECT_EQ(attempt_source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(attempt_source("2001:db8:1:2::6"), "2001:db8:1:2::/64");
  EXPECT_EQ(attempt_source("2001:db8::6"), "2001:db8:0:0::/64");
  EXPECT_EQ(attempt_source("1::2:3:4:5:6:7"), "1:0:2:3::/64");
  EXPECT_EQ(attempt_source("::1"), "0:0:0:0::/64");
  EXPECT_EQ(attempt_source("::"), "0:0:0:0::/64");
  EXPECT_EQ(attempt_source("1:2:3"), "1:2:3") << "no address is a source of its own";
}

}  // namespace
}  // namespace rb::api
