// Some of the rows that were looked up lately, in memory that does not grow: where two keys fall onto one
// place, the later one takes it. For rows that don't change meanwhile. Not thread-safe.
#pragma once

#include <vector>

#include "repository/catalog.h"
#include "repository/id_hash.h"

namespace rb {

class RowCache {
 public:
  explicit RowCache(std::size_t places) : rows_(places) {}

  // Nothing when it is not known, or not any more.
  const ObjectRow* find(const DomainKey& key) const {
    const Place& place = rows_[place_of(key)];
    return place.row.number != 0 && place.key == key ? &place.row : nullptr;
  }
  void put(const DomainKey& key, const ObjectRow& row) { rows_[place_of(key)] = {key, row}; }
  void forget(const DomainKey& key) {
    Place& place = rows_[place_of(key)];
    if (place.key == key) place = {};
  }

 private:
  struct Place {
    DomainKey key;
    ObjectRow row;  // number 0: free
  };
  std::size_t place_of(const DomainKey& key) const { return DomainKeyHash()(key) % rows_.size(); }

  std::vector<Place> rows_;
};

}  // namespace rb
