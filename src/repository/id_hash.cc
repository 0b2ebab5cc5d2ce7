#include "repository/id_hash.h"

#include "base/random.h"

namespace rb {

namespace {

using Words = std::array<std::uint64_t, 4>;

const Words& seeds() {
  static const Words words = [] {
    Words random{};
    fill_random({reinterpret_cast<std::uint8_t*>(random.data()), sizeof random});
    return random;
  }();
  return words;
}

// Both halves of the product: every bit of either factor reaches the result.
std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::size_t SeededIdHash::operator()(const ObjectId& id) const noexcept {
  Words words;
  static_assert(sizeof words == ObjectId::kSize);
  std::memcpy(words.data(), id.bytes.data(), sizeof words);
  const Words& seed = seeds();
  return folded_product(words[0] ^ seed[0], words[1] ^ seed[1]) ^
         (folded_product(words[2] ^ seed[2], words[3] ^ seed[3]) * 0x9e3779b97f4a7c15ull);
}

}  // namespace rb
