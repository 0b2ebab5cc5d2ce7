// BLAKE3-256 digests, and the strong types made of 32 or 16 bytes that must not be mixed up.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace rb {

// N bytes that mean one thing. Tag keeps an ObjectId from being passed for a RunId.
template <typename Tag, std::size_t N>
struct FixedId {
  std::array<std::uint8_t, N> bytes{};

  static constexpr std::size_t kSize = N;
  auto operator<=>(const FixedId&) const = default;
  ByteView view() const { return {bytes.data(), N}; }
  bool is_zero() const { return *this == FixedId{}; }
  // Requires: from.size() == N.
  static FixedId from(ByteView from) {
    FixedId id;
    std::memcpy(id.bytes.data(), from.data(), N);
    return id;
  }
};

using Digest = FixedId<struct DigestTag, 32>;    // a plain BLAKE3-256 hash
using ObjectId = FixedId<struct ObjectTag, 32>;  // format/object.h: what an object is called
using RunId = FixedId<struct RunTag, 16>;        // one backup run, drawn at random by the client
using RepositoryId = FixedId<struct RepositoryTag, 16>;

std::string to_hex(ByteView bytes);
// Lower or upper case, exactly twice `out.size()` digits; false otherwise.
bool from_hex(std::string_view hex, std::span<std::uint8_t> out);

template <typename Id>
std::optional<Id> id_from_hex(std::string_view hex) {
  Id id;
  if (!from_hex(hex, id.bytes)) return std::nullopt;
  return id;
}

template <typename Tag, std::size_t N>
std::string to_hex(const FixedId<Tag, N>& id) {
  return to_hex(id.view());
}

}  // namespace rb

template <typename Tag, std::size_t N>
struct std::hash<rb::FixedId<Tag, N>> {
  // The bytes are uniformly distributed already.
  std::size_t operator()(const rb::FixedId<Tag, N>& id) const noexcept {
    std::size_t h;
    std::memcpy(&h, id.bytes.data(), sizeof h);
    return h;
  }
};
