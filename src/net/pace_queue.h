// Who may move bytes next where rates are limited, for all together and for each share: shares in turn, each
// as soon as its own bucket and the common one are ready. No I/O and no clock; not thread-safe.
#pragma once

#include "net/round_robin.h"
#include "net/token_bucket.h"

namespace rb::net {

template <typename T>
class PaceQueue {
 public:
  using TimePoint = TokenBucket::TimePoint;

  PaceQueue(std::uint64_t bytes_per_second, std::uint64_t share_bytes_per_second)
      : share_rate_(share_bytes_per_second), total_(bytes_per_second) {}

  void push(std::uint64_t share, std::uint64_t bytes, T item) {
    waiting_.push(share, Waiting(bytes, std::move(item)));
  }

  // The next that may go on now, its bytes being taken.
  std::optional<T> next(TimePoint now) {
    earliest_ = TimePoint::max();
    auto taken = waiting_.take([&](std::uint64_t share, const Waiting&) { return judge(share, now); });
    if (!taken) return std::nullopt;
    auto& [share, waiting] = *taken;
    total_.take(waiting.bytes, now);
    if (share_rate_ > 0) bucket_of(share).take(waiting.bytes, now);
    if (++taken_ % kForgetEvery == 0) forget_full(now);
    return std::move(waiting.item);
  }

  // After next() gave nothing: when to ask again; TimePoint::max() when nobody waits.
  TimePoint ask_again_at() const { return earliest_; }

  bool empty() const { return waiting_.empty(); }
  std::size_t share_count() const { return shares_.size(); }
  static constexpr std::uint64_t kForgetEvery = 1024;

 private:
  struct Waiting {
    Waiting(std::uint64_t count, T what) : bytes(count), item(std::move(what)) {}
    std::uint64_t bytes;
    T item;
  };

  Turn judge(std::uint64_t share, TimePoint now) {
    if (!total_.is_ready(now)) {
      earliest_ = total_.ready_at();
      return Turn::stop;
    }
    if (share_rate_ == 0) return Turn::take;
    const TokenBucket& own = bucket_of(share);
    if (own.is_ready(now)) return Turn::take;
    earliest_ = std::min(earliest_, own.ready_at());
    return Turn::skip;
  }

  TokenBucket& bucket_of(std::uint64_t share) {
    return shares_.try_emplace(share, TokenBucket(share_rate_)).first->second;
  }

  void forget_full(TimePoint now) {
    std::erase_if(shares_, [&](const auto& entry) { return entry.second.is_full(now); });
  }

  const std::uint64_t share_rate_;
  TokenBucket total_;
  std::unordered_map<std::uint64_t, TokenBucket> shares_;
  RoundRobin<Waiting> waiting_;
  TimePoint earliest_ = TimePoint::max();
  std::uint64_t taken_ = 0;
};

}  // namespace rb::net
