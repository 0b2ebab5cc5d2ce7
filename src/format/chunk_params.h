// The parameters that decide where files are cut. Fixed when a domain is made, journalled there, and given to
// every client when a session begins, so that all members of a domain cut alike.
#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"

namespace rb {

struct ChunkParams {
  // 1: FastCDC with normalisation level 2 and a gear table derived from `key`; 2: without the normalisation
  std::uint8_t algorithm = 2;
  std::uint32_t min_bytes = 56 << 10;
  std::uint32_t average_bytes = 128 << 10;
  std::uint32_t max_bytes = 512 << 10;
  std::array<std::uint8_t, 32> key{};  // makes the gear table; random for each domain
  bool operator==(const ChunkParams&) const = default;
};

// 256 <= min < average < max <= kMaxChunkBytes, average a power of two, a known algorithm.
Status check_chunk_params(const ChunkParams& params);

}  // namespace rb
