// Memory for large bodies, kept from one request to the next: memory fresh from the system costs a page fault
// and zeros for each page before the first byte has come, a tenth of the server's time. Thread-safe.
#pragma once

#include <mutex>
#include <vector>

#include "base/bytes.h"

namespace rb::net {

class BodyMemory {
 public:
  // Of that size; what stands in it is for the taker to overwrite, all of it.
  Bytes take(std::size_t bytes) {
    Bytes body = bytes < kWorthKeeping ? Bytes() : take_spare();
    body.resize(bytes);
    return body;
  }

  void give_back(Bytes body) {
    if (body.capacity() < kWorthKeeping) return;
    const std::lock_guard lock(mutex_);
    if (kept_bytes_ + body.capacity() > kKeptBytesMax) return;
    kept_bytes_ += body.capacity();
    spare_.push_back(std::move(body));
  }

 private:
  static constexpr std::size_t kWorthKeeping = 256 << 10;
  static constexpr std::size_t kKeptBytesMax = 24
                                               << 20;  // what a client with all its connections has under way

  Bytes take_spare() {
    const std::lock_guard lock(mutex_);
    if (spare_.empty()) return {};
    Bytes body = std::move(spare_.back());
    spare_.pop_back();
    kept_bytes_ -= body.capacity();
    return body;
  }

  std::mutex mutex_;
  std::vector<Bytes> spare_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace rb::net
