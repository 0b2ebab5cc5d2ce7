// How a payload names its references: by code, where 0 is the next reference that was not named yet and k > 0
// is the one named k references ago. So the references stand in the order of their first use, each once, and
// a page whose entries all differ has a column of zeros. Private to format/.
#pragma once

#include <vector>

#include "base/digest.h"

namespace rb {

// Finds an id among those added before. Ids come from strangers: slots are chosen by a hash that nobody can
// foresee.
class RefTable {
 public:
  explicit RefTable(std::size_t expected);
  // The index of `id` in `refs` (the ids added so far, in order), or refs.size() if it is new; then it is in
  // the table and the caller appends it to refs.
  std::uint32_t find_or_add(const ObjectId& id, std::span<const ObjectId> refs);

 private:
  void grow(std::span<const ObjectId> refs);

  std::vector<std::uint32_t> slots_;  // index + 1; 0 is free. A power of two, at most half full.
};

class RefEncoder {
 public:
  explicit RefEncoder(std::size_t expected) : table_(expected) { refs_.reserve(expected); }

  std::uint64_t encode(const ObjectId& id) {
    const std::uint32_t index = table_.find_or_add(id, refs_);
    const std::size_t count = refs_.size();
    if (index == count) {
      refs_.push_back(id);
      return 0;
    }
    return count - index;
  }
  std::vector<ObjectId> take() { return std::move(refs_); }

 private:
  RefTable table_;
  std::vector<ObjectId> refs_;
};

// Whether no id stands there twice.
bool are_unique(std::span<const ObjectId> refs);

// Borrows the references. Requires: are_unique(refs).
class RefDecoder {
 public:
  explicit RefDecoder(std::span<const ObjectId> refs) : refs_(refs) {}

  // nullptr for a code that names nothing.
  const ObjectId* decode(std::uint64_t code) {
    if (code == 0) return next_ < refs_.size() ? &refs_[next_++] : nullptr;
    return code <= next_ ? &refs_[next_ - code] : nullptr;
  }
  // Whether every reference was named.
  bool done() const { return next_ == refs_.size(); }

 private:
  std::span<const ObjectId> refs_;
  std::size_t next_ = 0;
};

}  // namespace rb
