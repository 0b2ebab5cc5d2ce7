#include "base/hash.h"

#include <algorithm>

#include <xxhash.h>
#ifdef __x86_64__
#include <xxh_x86dispatch.h>  // the same, with the widest vectors of the processor: four times as fast
#endif

namespace rb {

HashKey derive_key(std::string_view context, ByteView material) {
  blake3_hasher state;
  blake3_hasher_init_derive_key_raw(&state, context.data(), context.size());
  blake3_hasher_update(&state, material.data(), material.size());
  HashKey key;
  blake3_hasher_finalize(&state, key.data(), key.size());
  return key;
}

QuickHash quick_hash(ByteView bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  QuickHash out;
  std::ranges::copy(canonical.digest, out.begin());
  return out;
}

}  // namespace rb
