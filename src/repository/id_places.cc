#include "repository/id_places.h"

#include <bit>

#include "base/error.h"

namespace rb {

void IdPlaces::begin(std::size_t count) {
  ids_.clear();
  ids_.reserve(count);
  slots_.assign(std::bit_ceil(2 * count + 1), 0);
}

std::uint32_t IdPlaces::place_of(const ObjectId& id) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = SeededIdHash()(id) & mask;
  while (slots_[slot] != 0) {
    const std::uint32_t place = slots_[slot] - 1;
    if (ids_[place] == id) return place;
    slot = (slot + 1) & mask;
  }
  RB_ASSERT(2 * ids_.size() < slots_.size());
  ids_.push_back(id);
  slots_[slot] = static_cast<std::uint32_t>(ids_.size());
  return slots_[slot] - 1;
}

}  // namespace rb
