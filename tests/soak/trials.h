// How many trials there are, and with which seeds. RB_DAMAGE_TRIALS is the number of all kinds together,
// RB_DAMAGE_SEED the seed of the first; a trial that failed is repeated by its own seed and one trial.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>

#include <gtest/gtest.h>

namespace rb::test {

inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// Trials of one kind: a share of all, in percent. Ends at the first that fails.
inline std::uint64_t run_trials(unsigned percent, const std::function<void(std::uint64_t seed)>& trial) {
  const std::uint64_t all = number_from_environment("RB_DAMAGE_TRIALS", 400);
  const std::uint64_t first = number_from_environment("RB_DAMAGE_SEED", 1);
  const std::uint64_t trials = std::max<std::uint64_t>(1, all * percent / 100);
  for (std::uint64_t i = 0; i < trials; ++i) {
    SCOPED_TRACE("RB_DAMAGE_TRIALS=1 RB_DAMAGE_SEED=" + std::to_string(first + i));
    trial(first + i);
    if (testing::Test::HasFailure()) return i + 1;
  }
  return trials;
}

}  // namespace rb::test
