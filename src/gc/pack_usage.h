// How much of each pack is still in use: the rows that point into it, and their part of its bytes. Counted by
// the sweep, of the rows that stay. A sealed pack gets no new rows, so what was counted can only become less.
// Not thread-safe.
#pragma once

#include <map>

#include "repository/catalog.h"

namespace rb {

struct PackUse {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // by ObjectRow::share_bytes
  bool operator==(const PackUse&) const = default;
};

class PackUsage {
 public:
  void count(const ObjectRow& row);
  // Nothing counted is nothing in use.
  PackUse of(std::uint64_t pack) const;
  const std::map<std::uint64_t, PackUse>& packs() const { return packs_; }

 private:
  std::map<std::uint64_t, PackUse> packs_;
};

}  // namespace rb
