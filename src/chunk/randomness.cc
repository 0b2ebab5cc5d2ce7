#include "chunk/randomness.h"

#include <array>
#include <cstdint>

namespace rb {

namespace {

constexpr std::size_t kSmallestBytes = 64 << 10;
constexpr std::size_t kPieceBytes = 1 << 10;
constexpr std::size_t kPieceEvery = 16 << 10;
constexpr std::size_t kValues = 256;
// Pearson's chi-squared of 256 equally likely values has a mean of 255 and a standard deviation of 22.6.
// Random bytes stay within six of them always, in practice; what is less even lies above, and so does what
// repeats itself within the sample; what is more even than chance makes it lies below.
constexpr std::uint64_t kChiSquaredMean = 255, kChiSquaredSpread = 6 * 23;

}  // namespace

bool looks_random(ByteView bytes) {
  if (bytes.size() < kSmallestBytes) return false;
  std::array<std::uint32_t, kValues> counts{};
  std::size_t sampled = 0;
  for (std::size_t at = 0; at + kPieceBytes <= bytes.size(); at += kPieceEvery) {
    for (const std::uint8_t byte : bytes.subspan(at, kPieceBytes))
      ++counts[byte];
    sampled += kPieceBytes;
  }
  std::uint64_t squares = 0;
  for (const std::uint64_t count : counts)
    squares += count * count;
  const std::uint64_t chi_squared = squares * kValues / sampled - sampled;
  return chi_squared + kChiSquaredSpread >= kChiSquaredMean &&
         chi_squared <= kChiSquaredMean + kChiSquaredSpread;
}

}  // namespace rb
