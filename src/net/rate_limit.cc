#include "net/rate_limit.h"

#include <algorithm>
#include <thread>

namespace rb::net {

namespace {

constexpr std::size_t kLeastPiece = 1 << 10, kLargestPiece = 256 << 10;
constexpr std::chrono::milliseconds kLongestSleep{100};  // between looks at `cancelled`

}  // namespace

std::size_t RateLimit::piece_bytes() const {
  return std::clamp<std::size_t>(rate_ / 10, kLeastPiece, kLargestPiece);
}

void RateLimit::pay(std::size_t bytes, const std::atomic<bool>* cancelled) {
  if (!limits()) return;
  TokenBucket::TimePoint paid;
  {
    const std::lock_guard lock(mutex_);
    bucket_.take(bytes, std::chrono::steady_clock::now());
    paid = bucket_.ready_at();
  }
  for (;;) {
    const auto left = paid - std::chrono::steady_clock::now();
    if (left <= left.zero() || (cancelled && cancelled->load())) return;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, kLongestSleep));
  }
}

}  // namespace rb::net
