// How long a client waits at a socket in the course of one exchange: until something can be moved, or one of
// the exchange's limits ends it. Belongs to the thread that carries out the exchange.
#pragma once

#include <atomic>
#include <chrono>

#include "base/error.h"

namespace rb::net {

struct WaitLimits {
  std::chrono::milliseconds stall{0};       // longest time in which nothing moves; 0: no limit
  std::chrono::milliseconds total{0};       // longest time for all; 0: no limit
  std::chrono::milliseconds lost_after{0};  // without a sign of life of the other end's TCP
  const std::atomic<bool>* cancelled = nullptr;
};

class ClientWait {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit ClientWait(const WaitLimits& limits);

  // Something moved.
  void note_progress() { progress_ = std::chrono::steady_clock::now(); }
  // Until one of poll()'s events has happened at the socket, or an error of it, which the next attempt tells.
  // Errors: cancelled, or unavailable with ETIMEDOUT. `by` is one more limit.
  Result<short> wait(int fd, short events, TimePoint by = TimePoint::max());
  // Does nothing for a while, under the same limits.
  Status pause(std::chrono::milliseconds time, TimePoint by);

 private:
  // Nothing has happened for a moment: may it go on like that?
  Status check(int fd, TimePoint by);

  const WaitLimits limits_;
  const TimePoint began_;
  TimePoint progress_, looked_;
};

}  // namespace rb::net
