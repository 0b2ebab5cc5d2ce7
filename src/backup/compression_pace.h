// The level of compression that suits a run at this moment.
#pragma once

#include <atomic>
#include <chrono>

#include "backup/compression.h"
#include "chunk/block_codec.h"

namespace rb {

// Without a level of the user's: kCompressionLevel while compressing is what takes the time, up to
// kHardestAdaptiveLevel while blocks wait for the store, since then the cores have nothing better to do.
// Thread-safe.
class CompressionPace {
 public:
  static constexpr int kHardestAdaptiveLevel = 9;
  static_assert(kHardestAdaptiveLevel < kTryAllLevel, "time is not spent on what looks random");

  explicit CompressionPace(const Compression& compression)
      : compression_(compression), level_(compression.level == 0 ? kCompressionLevel : compression.level) {}

  CompressionOptions now() const { return {.level = level_.load(), .off = compression_.off}; }
  // A block took so long to be made (reading its files included), and waited so long to be taken.
  void note(std::chrono::nanoseconds made, std::chrono::nanoseconds waited);

 private:
  const Compression compression_;
  std::atomic<int> level_;
  std::atomic<std::int64_t> balance_{0};  // of waiting against making since the level changed, in nanoseconds
};

}  // namespace rb
