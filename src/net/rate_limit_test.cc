#include "net/rate_limit.h"

#include <thread>

#include <gtest/gtest.h>

namespace rb::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST(RateLimitTest, NothingIsPaidWithoutALimit) {
  RateLimit limit(0);
  EXPECT_FALSE(limit.limits());
  limit.pay(SIZE_MAX >> 1, nullptr);
}

// A sleep can only be too long, never too short, however busy the machine is.
TEST(RateLimitTest, AllPayersTogetherStayWithinTheRate) {
  RateLimit limit(1 << 20);
  const auto began = steady_clock::now();
  std::thread other([&] {
    for (int i = 0; i < 16; i++)
      limit.pay(16 << 10, nullptr);
  });
  for (int i = 0; i < 16; i++)
    limit.pay(16 << 10, nullptr);
  other.join();
  EXPECT_GE(steady_clock::now() - began, milliseconds(500) - TokenBucket::kBurst);
}

TEST(RateLimitTest, WhoIsCancelledSleepsNoLonger) {
  RateLimit limit(1);
  const std::atomic<bool> cancelled = true;
  limit.pay(1 << 20, &cancelled);  // would take twelve days
}

TEST(RateLimitTest, PiecesSuitTheRate) {
  EXPECT_EQ(RateLimit(1).piece_bytes(), 1024u);
  EXPECT_EQ(RateLimit(1 << 20).piece_bytes(), (1u << 20) / 10);
  EXPECT_EQ(RateLimit(1ull << 40).piece_bytes(), 256u << 10);
}

}  // namespace
}  // namespace rb::net
