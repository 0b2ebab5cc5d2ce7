// A client's own limit on what it moves, over all its connections: whoever has moved some bytes sleeps until
// they are paid for.
#pragma once

#include <atomic>
#include <mutex>

#include "net/token_bucket.h"

namespace rb::net {

// Thread-safe.
class RateLimit {
 public:
  // Bytes a second; 0: no limit.
  explicit RateLimit(std::uint64_t bytes_per_second) : rate_(bytes_per_second), bucket_(bytes_per_second) {}

  bool limits() const { return rate_ > 0; }
  // The most that should be moved at once, so that nobody sleeps for long: a tenth of a second's worth.
  std::size_t piece_bytes() const;
  // Takes the bytes and sleeps until they are paid for, or until `cancelled` (may be null).
  void pay(std::size_t bytes, const std::atomic<bool>* cancelled);

 private:
  const std::uint64_t rate_;
  std::mutex mutex_;
  TokenBucket bucket_;
};

}  // namespace rb::net
