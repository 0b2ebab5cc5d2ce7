// Where each directory frame of a cache file stands: PlaceKey -> offset, in 24 bytes a slot. A run over a
// million directories keeps one of these, so it is an open-addressing table rather than a std::unordered_map.
// Not thread-safe.
#pragma once

#include <algorithm>
#include <optional>

#include "scan/cache_format.h"

namespace rb {

class PlaceTable {
 public:
  std::size_t size() const { return size_; }

  std::optional<std::uint64_t> find(const PlaceKey& key) const {
    if (slots_.empty()) return std::nullopt;
    const IndexItem& slot = slots_[slot_of(key)];
    if (slot.offset == 0) return std::nullopt;
    return slot.offset;
  }

  // Replaces. Requires: offset != 0 (the file header stands there, so no frame does).
  void set(const PlaceKey& key, std::uint64_t offset) {
    if (size_ + 1 > slots_.size() / 4 * 3) grow();
    IndexItem& slot = slots_[slot_of(key)];
    if (slot.offset == 0) ++size_;
    slot = {key, offset};
  }

  // All of it, sorted by key; the table is empty afterwards.
  std::vector<IndexItem> take_sorted() {
    std::vector<IndexItem> out = std::move(slots_);
    slots_.clear();
    size_ = 0;
    std::erase_if(out, [](const IndexItem& i) { return i.offset == 0; });
    std::sort(out.begin(), out.end(), [](const IndexItem& a, const IndexItem& b) { return a.key < b.key; });
    return out;
  }

 private:
  // The slot that holds `key` or would. Requires: some slot is free. Keys are hashes already.
  std::size_t slot_of(const PlaceKey& key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = std::hash<PlaceKey>{}(key)&mask;
    while (slots_[at].offset != 0 && slots_[at].key != key)
      at = (at + 1) & mask;
    return at;
  }

  void grow() {
    std::vector<IndexItem> old(slots_.empty() ? 64 : slots_.size() * 2);
    old.swap(slots_);
    for (const IndexItem& item : old) {
      if (item.offset != 0) slots_[slot_of(item.key)] = item;
    }
  }

  std::vector<IndexItem> slots_;  // a power of two
  std::size_t size_ = 0;
};

}  // namespace rb
