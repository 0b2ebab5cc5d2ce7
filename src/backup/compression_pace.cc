#include "backup/compression_pace.h"

#include <algorithm>

namespace rb {

namespace {

// By how much one side has to outweigh the other before the level changes: longer than a hiccup of the
// network or of a disk, short beside a backup that is worth compressing harder.
constexpr std::chrono::nanoseconds kPersistence = std::chrono::milliseconds(500);

}  // namespace

void CompressionPace::note(std::chrono::nanoseconds made, std::chrono::nanoseconds waited) {
  if (compression_.level != 0) return;
  const std::int64_t difference = (waited - made).count();
  const std::int64_t balance = balance_.fetch_add(difference) + difference;
  if (balance > -kPersistence.count() && balance < kPersistence.count()) return;
  balance_ = 0;
  const int step = balance > 0 ? 1 : -1;
  // Two threads that step at once step once; the next block makes up for it.
  level_ = std::clamp(level_.load() + step, kCompressionLevel, kHardestAdaptiveLevel);
}

}  // namespace rb
