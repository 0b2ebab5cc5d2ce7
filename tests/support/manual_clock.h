// A clock that stands until a test moves it.
#pragma once

#include "base/clock.h"

namespace rb::test {

class ManualClock final : public Clock {
 public:
  Timestamp wall() const override { return {}; }
  std::chrono::nanoseconds monotonic() const override { return now; }
  std::chrono::nanoseconds now = std::chrono::hours(1);
};

}  // namespace rb::test
