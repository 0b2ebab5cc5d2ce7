// BLAKE3 (https://github.com/BLAKE3-team/BLAKE3-specs), plain and keyed; XXH3.
#pragma once

#include <array>

#include <blake3.h>

#include "base/digest.h"

namespace rb {

using HashKey = std::array<std::uint8_t, 32>;

// Feeds bytes, then gives the digest. A value: copying one forks the hash. Not thread-safe.
class Hasher {
 public:
  Hasher() { blake3_hasher_init(&state_); }
  explicit Hasher(const HashKey& key) { blake3_hasher_init_keyed(&state_, key.data()); }

  Hasher& update(ByteView bytes) {
    blake3_hasher_update(&state_, bytes.data(), bytes.size());
    return *this;
  }
  // May be called more than once, and between updates.
  Digest digest() const {
    Digest out;
    blake3_hasher_finalize(&state_, out.bytes.data(), out.bytes.size());
    return out;
  }

 private:
  blake3_hasher state_;
};

inline Digest hash(ByteView bytes) {
  return Hasher().update(bytes).digest();
}

// XXH3-128 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md) in its canonical form, which is
// big-endian: five times as fast as BLAKE3. Against accidents, not against intent.
using QuickHash = std::array<std::uint8_t, 16>;
QuickHash quick_hash(ByteView bytes);

// BLAKE3's derive_key mode: a key for one purpose, from a context string that names it and nothing secret.
HashKey derive_key(std::string_view context, ByteView material);

}  // namespace rb
