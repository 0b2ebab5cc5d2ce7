#include "chunk/randomness.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace rb {

namespace {

constexpr std::size_t kPieceBytes = 512;
constexpr std::size_t kPieceEvery = 8 << 10;
constexpr std::size_t kValues = 256;
// Pearson's chi-squared of 256 equally likely values has a mean of 255 and a standard deviation of 22.6.
// Random bytes stay within six of them always, in practice; what is less even lies above, and so does what
// repeats itself within the sample; what is more even than chance makes it lies below.
constexpr std::uint64_t kChiSquaredMean = 255, kChiSquaredSpread = 6 * 23;

// Of so many random bytes, 32 have their highest bit set, give or take four; of text hardly any.
constexpr std::size_t kFirstLookBytes = 64, kFewHighBits = 8;

bool looks_like_text(ByteView bytes) {
  std::size_t high_bits = 0;
  for (const std::uint8_t byte : bytes.first(kFirstLookBytes))
    high_bits += byte >> 7;
  return high_bits < kFewHighBits;
}

}  // namespace

bool looks_random(ByteView bytes) {
  if (bytes.size() < kPieceBytes) return false;
  std::array<std::uint32_t, kValues> counts{};
  std::size_t sampled = 0;
  // Not from the beginning: a file of compressed contents has a header.
  const std::size_t first = (std::min(bytes.size(), kPieceEvery) - kPieceBytes) / 2;
  if (looks_like_text(bytes.subspan(first))) return false;
  for (std::size_t at = first; at + kPieceBytes <= bytes.size(); at += kPieceEvery) {
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
