// The object: (kind, refs, payload), named by a hash over all three. Everything a repository keeps is made of
// these.
//
// id = BLAKE3-256, keyed with a key of the kind, over: the refs (32 bytes each), the payload, the count of
// refs (u32); for a chunk, which has no refs, over the payload alone. So neither the kind nor the references
// can be forged, and the server can follow references without reading payloads. A payload names its
// references by their index in `refs`; each id is stored once. See docs/format.md.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/error.h"

namespace rb {

enum class ObjectKind : std::uint8_t {
  chunk = 1,       // a piece of a file; no refs; the payload is the bytes
  chunk_list = 2,  // a page of a file's chunks; refs: chunks and chunk lists
  tree = 3,        // a page of a directory; refs: chunks, chunk lists, trees
  snapshot = 4,    // refs: exactly one tree, the root page
};

struct Object {
  ObjectKind kind = ObjectKind::chunk;
  std::vector<ObjectId> refs;
  Bytes payload;
  bool operator==(const Object&) const = default;
};

// An object together with its id, as it travels between the layers.
struct NamedObject {
  ObjectId id;
  Object object;
};

bool is_valid_kind(std::uint8_t kind);
inline bool is_metadata(ObjectKind kind) {
  return kind != ObjectKind::chunk;
}
std::string_view to_string(ObjectKind kind);

ObjectId object_id(ObjectKind kind, std::span<const ObjectId> refs, ByteView payload);
inline ObjectId object_id(const Object& o) {
  return object_id(o.kind, o.refs, o.payload);
}

// Whether an object of kind `parent` may refer to one of kind `child`.
bool may_refer(ObjectKind parent, ObjectKind child);
// Whether an object of this kind may have that many references at all (chunk none, snapshot exactly one).
bool valid_ref_count(ObjectKind kind, std::size_t count);

}  // namespace rb
