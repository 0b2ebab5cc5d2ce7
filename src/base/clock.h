// Time, handed in so that tests decide it. Wall time labels things for people and drives retention; it never
// decides liveness or order. Monotonic time drives leases and deadlines.
#pragma once

#include <chrono>
#include <cstdint>

namespace rb {

// Seconds and nanoseconds since 1970-01-01 UTC. Seconds are 64 bits wide because file systems store times
// beyond the years 1677-2262 that a 64-bit count of nanoseconds covers. Invariant: nanoseconds < 1e9.
struct Timestamp {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  auto operator<=>(const Timestamp&) const = default;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp wall() const = 0;
  virtual std::chrono::nanoseconds monotonic() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp wall() const override;
  std::chrono::nanoseconds monotonic() const override;
};

}  // namespace rb
