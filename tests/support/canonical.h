// Canonical encodings: whatever a decoder accepts is, to the byte, what the encoder makes of the value.
#pragma once

#include <functional>

#include "format/chunk_list.h"
#include "format/snapshot.h"
#include "format/tree_page.h"

namespace rb::test {

// Decodes the object's payload and encodes the value again; nothing when it was refused.
inline std::optional<Object> recode(const Object& object) {
  if (object.kind == ObjectKind::tree) {
    const Result<TreePage> page = decode_tree_page(object.refs, object.payload);
    if (page) return encode_tree_page(*page);
  } else if (object.kind == ObjectKind::chunk_list) {
    const Result<ChunkListPage> page = decode_chunk_list(object.refs, object.payload);
    if (page) return encode_chunk_list(*page);
  } else if (object.kind == ObjectKind::snapshot) {
    const Result<Snapshot> snapshot = decode_snapshot(object.refs, object.payload);
    if (snapshot) return encode_snapshot(*snapshot);
  }
  return std::nullopt;
}

// Whether the object is refused, or accepted and canonical.
inline bool refused_or_canonical(const Object& object) {
  const std::optional<Object> again = recode(object);
  return !again || *again == object;
}

// Calls `check` with damaged forms of the bytes: every bit flipped once, every truncation, and every byte
// removed, doubled, or replaced by an extreme. Stops at the first for which it gives false, and gives false
// then.
inline bool for_each_damage(const Bytes& whole, const std::function<bool(const Bytes&)>& check) {
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Bytes damaged = whole;
    for (int bit = 0; bit < 8; ++bit) {
      damaged[i] = static_cast<std::uint8_t>(whole[i] ^ (1 << bit));
      if (!check(damaged)) return false;
    }
    for (const int extreme : {0x00, 0x7f, 0x80, 0xff}) {
      damaged[i] = static_cast<std::uint8_t>(extreme);
      if (!check(damaged)) return false;
    }
    const auto at = static_cast<std::ptrdiff_t>(i);
    damaged = whole;
    damaged.insert(damaged.begin() + at, whole[i]);
    if (!check(damaged)) return false;
    damaged = whole;
    damaged.erase(damaged.begin() + at);
    if (!check(damaged)) return false;
    damaged.assign(whole.begin(), whole.begin() + at);
    if (!check(damaged)) return false;
  }
  return true;
}

}  // namespace rb::test
