#include "format/ref_codec.h"

#include <algorithm>
#include <bit>

#include "base/random.h"

namespace rb {
namespace {

using Secret = std::array<std::uint64_t, 4>;

Secret make_secret() {
  Secret secret{};
  fill_random({reinterpret_cast<std::uint8_t*>(secret.data()), sizeof secret});
  return secret;
}
const Secret kSecret = make_secret();

std::uint64_t multiply_and_fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::size_t slot_hash(const ObjectId& id) {
  std::array<std::uint64_t, 4> words;
  std::memcpy(words.data(), id.bytes.data(), sizeof words);
  return multiply_and_fold(words[0] ^ kSecret[0], words[1] ^ kSecret[1]) ^
         multiply_and_fold(words[2] ^ kSecret[2], words[3] ^ kSecret[3]);
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
