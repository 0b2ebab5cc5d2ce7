// Hashing ids for tables in memory. Clients choose ids (a chunk's is not recomputed when it comes in), and
// could choose many that fall into one bucket; with seeds that change with every process they can't.
#pragma once

#include <array>
#include <cstring>

#include "base/digest.h"

namespace rb {

struct SeededIdHash {
  std::size_t operator()(const ObjectId& id) const noexcept;
};

// An id within a domain.
struct DomainKey {
  std::uint32_t domain = 0;
  ObjectId id;
  auto operator<=>(const DomainKey&) const = default;
};
struct DomainKeyHash {
  std::size_t operator()(const DomainKey& key) const noexcept {
    return SeededIdHash()(key.id) + key.domain * 0x9e3779b97f4a7c15ull;
  }
};

}  // namespace rb
