#include "chunk/cutter.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/hash.h"

namespace rb {
namespace {

// A byte leaves the gear hash after 64 shifts, so this many bytes before the first possible cut decide it.
constexpr std::size_t kWindowBytes = 64;
// Normalisation level 2: cuts are four times rarer below the normal size, and four times likelier above it.
constexpr int kNormalisation = 2;

// The highest bits, which depend on most bytes.
std::uint64_t mask_of(int bits) {
  return ~std::uint64_t{0} << (64 - bits);
}

std::array<std::uint64_t, 256> make_gear(const std::array<std::uint8_t, 32>& key) {
  constexpr std::string_view kContext = "rbbackup v0 gear table";
  blake3_hasher hasher;
  blake3_hasher_init_derive_key_raw(&hasher, kContext.data(), kContext.size());
  blake3_hasher_update(&hasher, key.data(), key.size());
  std::array<std::uint64_t, 256> gear;
  static_assert(std::endian::native == std::endian::little, "the table is 256 little-endian numbers");
  blake3_hasher_finalize(&hasher, reinterpret_cast<std::uint8_t*>(gear.data()), sizeof gear);
  return gear;
}

// Of algorithm 1. Chunks are at least min long, and past the normal size they end soon but not at once. With
// min = average / 4 this makes `average` the mean length of chunks of random bytes.
std::size_t normal_size(const ChunkParams& params) {
  return std::max<std::size_t>(params.min_bytes, params.average_bytes - params.min_bytes / 4 * 3);
}

}  // namespace

Cutter::Cutter(const ChunkParams& params)
    : min_(params.min_bytes), max_(params.max_bytes), gear_(make_gear(params.key)) {
  RB_ASSERT(check_chunk_params(params));
  normal_ = params.algorithm == 1 ? normal_size(params) : min_;
  const int bits = std::countr_zero(params.average_bytes);
  mask_small_ = mask_of(bits + kNormalisation);
  mask_large_ = mask_of(bits - kNormalisation);
}

std::size_t Cutter::next_cut(ByteView data) const {
  RB_ASSERT(!data.empty());
  const std::size_t end = std::min(data.size(), max_);
  if (end <= min_) return end;
  const std::uint8_t* bytes = data.data();
  std::uint64_t h = 0;
  for (std::size_t i = min_ - kWindowBytes; i < min_; ++i)
    h = (h << 1) + gear_[bytes[i]];

  const std::size_t normal = std::min(normal_, end);
  std::size_t i = min_;
#pragma GCC unroll 8
  for (; i < normal; ++i) {
    h = (h << 1) + gear_[bytes[i]];
    if ((h & mask_small_) == 0) return i + 1;
  }
#pragma GCC unroll 8
  for (; i < end; ++i) {
    h = (h << 1) + gear_[bytes[i]];
    if ((h & mask_large_) == 0) return i + 1;
  }
  return end;
}

}  // namespace rb
