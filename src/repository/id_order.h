// Ids in their order, which is that of the catalog's keys: sorted by their first bytes as a number, with a
// look at the rest only where these are alike.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/digest.h"

namespace rb {

// The first eight bytes: numbers are ordered as the ids are.
inline std::uint64_t front_of(const ObjectId& id) {
  std::uint64_t front = 0;
  for (std::size_t i = 0; i < sizeof front; ++i)
    front = front << 8 | id.bytes[i];
  return front;
}

// The indices of the ids, in the order of these.
inline std::vector<std::uint32_t> order_of(std::span<const ObjectId> ids) {
  struct Place {
    std::uint64_t front;
    std::uint32_t index;
  };
  std::vector<Place> places;
  places.reserve(ids.size());
  for (std::uint32_t i = 0; i < ids.size(); ++i)
    places.push_back({front_of(ids[i]), i});
  std::ranges::sort(places, [&](const Place& a, const Place& b) {
    return a.front != b.front ? a.front < b.front : ids[a.index] < ids[b.index];
  });
  std::vector<std::uint32_t> order;
  order.reserve(ids.size());
  for (const Place& place : places)
    order.push_back(place.index);
  return order;
}

}  // namespace rb
