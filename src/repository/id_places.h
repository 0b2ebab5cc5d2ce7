// Gives each different id of a block a place, counted from 0, in the order of first use. Made to be used
// again for the next block: it keeps its memory. Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "repository/id_hash.h"

namespace rb {

class IdPlaces {
 public:
  // Forgets everything. At most `count` ids follow.
  void begin(std::size_t count);
  std::uint32_t place_of(const ObjectId& id);
  // By place.
  const std::vector<ObjectId>& ids() const { return ids_; }

 private:
  std::vector<ObjectId> ids_;
  std::vector<std::uint32_t> slots_;  // 1 + place; 0: free. A power of two, more than twice the ids
};

}  // namespace rb
