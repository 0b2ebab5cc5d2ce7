// Small objects and blocks for tests of stores. Stores never look into payloads, so these say nothing
// sensible.
#pragma once

#include <string>
#include <vector>

#include "chunk/block_codec.h"
#include "store/store.h"

namespace rb::test {

inline NamedObject make_object(ObjectKind kind, std::string_view payload, std::vector<ObjectId> refs = {}) {
  NamedObject named;
  named.object.kind = kind;
  named.object.refs = std::move(refs);
  named.object.payload.assign(payload.begin(), payload.end());
  named.id = object_id(named.object);
  return named;
}
inline NamedObject make_chunk(std::string_view text) {
  return make_object(ObjectKind::chunk, text);
}
inline NamedObject make_tree(std::string_view text, std::vector<ObjectId> refs = {}) {
  return make_object(ObjectKind::tree, text, std::move(refs));
}
inline NamedObject make_snapshot(std::string_view text, const ObjectId& root) {
  return make_object(ObjectKind::snapshot, text, {root});
}

// One block with all of them. Requires: all chunks, or no chunk.
inline Bytes make_block(const std::vector<NamedObject>& objects) {
  const bool metadata = is_metadata(objects.front().object.kind);
  BlockBuilder builder(metadata ? BlockClass::metadata : BlockClass::data);
  for (const NamedObject& named : objects) {
    builder.add(named.id, named.object.kind, named.object.refs, named.object.payload);
  }
  return builder.finish();
}

inline RunId make_run(std::uint8_t number) {
  RunId run;
  run.bytes.fill(number);
  return run;
}

inline ChunkParams small_chunk_params() {
  ChunkParams params;
  params.min_bytes = 1024;
  params.average_bytes = 4096;
  params.max_bytes = 16384;
  return params;
}

}  // namespace rb::test
