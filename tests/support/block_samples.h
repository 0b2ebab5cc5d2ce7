// Small objects in blocks of their own, for tests of stores and of the protocol.
#pragma once

#include "format/block.h"
#include "format/object.h"

namespace rb::test {

struct SampleBlock {
  ObjectId id;
  Bytes bytes;
};

inline SampleBlock sample_block(ObjectKind kind, std::vector<ObjectId> refs, std::string_view payload) {
  BlockDirectory directory;
  directory.block_class = is_metadata(kind) ? BlockClass::metadata : BlockClass::data;
  const ObjectId id = object_id(kind, refs, as_bytes(payload));
  directory.objects = {{id, kind, std::move(refs)}};
  const ByteView payloads[] = {as_bytes(payload)};
  const Bytes body = encode_block_body(payloads);
  directory.raw_bytes = static_cast<std::uint32_t>(body.size());
  return {id, encode_block(directory, body)};
}

inline SampleBlock chunk_block(std::string_view content) {
  return sample_block(ObjectKind::chunk, {}, content);
}

inline SampleBlock tree_block(std::vector<ObjectId> refs, std::string_view payload = "a tree") {
  return sample_block(ObjectKind::tree, std::move(refs), payload);
}

inline SampleBlock snapshot_block(const ObjectId& root, std::string_view payload = "a snapshot") {
  return sample_block(ObjectKind::snapshot, {root}, payload);
}

}  // namespace rb::test
