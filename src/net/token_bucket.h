// A rate in bytes a second, as the moment until which everything taken so far is paid for. What is taken is
// never refused; whoever takes waits until is_ready() first. So over any time T at most rate * (T + burst)
// and one more taking go through. No clock of its own.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace rb::net {

class TokenBucket {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Nanoseconds = std::chrono::nanoseconds;
  // What may go through at once after a time of quiet; enough that a timer's lateness costs no throughput.
  static constexpr std::chrono::milliseconds kBurst{100};

  // 0: no limit.
  explicit TokenBucket(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}

  bool is_ready(TimePoint now) const { return rate_ == 0 || paid_until_ <= now; }
  // When it is ready again. Requires: it has been taken from.
  TimePoint ready_at() const { return paid_until_; }
  // Nothing that was taken matters any more.
  bool is_full(TimePoint now) const { return rate_ == 0 || paid_until_ <= now - kBurst; }

  // Requires: at most 2^33 bytes, so that the product stays in range.
  void take(std::uint64_t bytes, TimePoint now) {
    if (rate_ == 0) return;
    constexpr std::uint64_t kSecond = 1'000'000'000;
    const Nanoseconds cost(static_cast<std::int64_t>(bytes * kSecond / rate_));
    paid_until_ = std::max(paid_until_, now - kBurst) + cost;
  }

 private:
  std::uint64_t rate_;
  TimePoint paid_until_{};  // long ago
};

}  // namespace rb::net
