#include "format/ref_codec.h"

#include <algorithm>
#include <bit>

#include "base/random.h"

namespace rb {
namespace {

std::size_t slot_hash(const ObjectId& id) {
  static const std::array<std::uint64_t, 4> secret = [] {
    std::array<std::uint64_t, 4> s{};
    fill_random({reinterpret_cast<std::uint8_t*>(s.data()), sizeof s});
    return s;
  }();
  std::array<std::uint64_t, 4> words;
  std::memcpy(words.data(), id.bytes.data(), sizeof words);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 4; ++i)
    sum += (words[i] ^ (words[i] >> 32)) * (secret[i] | 1);
  return static_cast<std::size_t>(sum >> 32);
}

}  // namespace

RefTable::RefTable(std::size_t expected) : slots_(std::bit_ceil(std::max<std::size_t>(expected * 2, 16))) {}

std::uint32_t RefTable::find_or_add(const ObjectId& id, std::span<const ObjectId> refs) {
  if ((refs.size() + 1) * 2 > slots_.size()) grow(refs);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = slot_hash(id) & mask;; slot = (slot + 1) & mask) {
    if (slots_[slot] == 0) {
      slots_[slot] = static_cast<std::uint32_t>(refs.size() + 1);
      return static_cast<std::uint32_t>(refs.size());
    }
    if (refs[slots_[slot] - 1] == id) return slots_[slot] - 1;
  }
}

void RefTable::grow(std::span<const ObjectId> refs) {
  slots_.assign(slots_.size() * 2, 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    std::size_t slot = slot_hash(refs[i]) & mask;
    while (slots_[slot] != 0)
      slot = (slot + 1) & mask;
    slots_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

bool are_unique(std::span<const ObjectId> refs) {
  RefTable table(refs.size());
  for (std::size_t i = 0; i < refs.size(); ++i) {
    if (table.find_or_add(refs[i], refs.first(i)) != i) return false;
  }
  return true;
}

}  // namespace rb
