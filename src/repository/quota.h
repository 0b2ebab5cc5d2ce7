// How much one node may take.
#pragma once

#include <cstdint>

namespace rb {

// What a node may have; 0: as much as there is.
struct Quota {
  std::uint64_t logical_bytes = 0;  // of its current copy, as its last snapshot states
  std::uint64_t stored_bytes = 0;   // of the blocks it sent, as stored
  bool operator==(const Quota&) const = default;
};

}  // namespace rb
