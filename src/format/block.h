// A block: some objects, compressed (later: sealed) together by the client; the unit of transfer, storage and
// checksum. Its directory (id, kind and refs of each object) is in the clear; lengths of objects are inside
// the compressed body. The byte layout is in docs/format.md, "Block".
#pragma once

#include <vector>

#include "format/object.h"

namespace rb {

// How the body was made. The number is on disk.
enum class BlockSuite : std::uint8_t {
  plain_raw = 0,   // stored as it is: it did not shrink
  plain_zstd = 1,  // one zstd frame
  // 2..: sealed suites (a later version)
};

enum class BlockClass : std::uint8_t { data = 0, metadata = 1 };

struct BlockObject {
  ObjectId id;
  ObjectKind kind = ObjectKind::chunk;
  std::vector<ObjectId> refs;
  bool operator==(const BlockObject&) const = default;
};

// What can be read of a block without unpacking it.
struct BlockDirectory {
  BlockSuite suite = BlockSuite::plain_raw;
  BlockClass block_class = BlockClass::data;
  std::vector<BlockObject> objects;  // data: only chunks; metadata: no chunks. Never empty.
  std::uint32_t raw_bytes = 0;       // of the body, unpacked: length table and payloads
  std::size_t body_offset = 0;       // where the body stands in the encoded block
  std::size_t body_bytes = 0;
  bool operator==(const BlockDirectory&) const = default;
};

// The body, unpacked: varint payload length of each object, then the payloads back to back.
// Requires: as many lengths as the directory has objects.
Bytes encode_block_body(std::span<const ByteView> payloads);
// Gives one view per object into `raw`.
Result<std::vector<ByteView>> decode_block_body(ByteView raw, std::size_t object_count);

// `body` as stored (compressed or not). Ends the block with its checksum.
Bytes encode_block(const BlockDirectory& directory, ByteView body);

// Checks the structure, all limits, and the checksum. Knows no key and unpacks nothing. `block` must be
// exactly one.
Result<BlockDirectory> decode_block_directory(ByteView block);

// How long the block that starts at `bytes` is, from its fixed header alone (at least kBlockHeaderBytes of
// it); checks the limits. For cutting a stream into blocks.
Result<std::size_t> block_length(ByteView bytes);

// The class of the block that starts at `bytes`, from its fixed header alone, as block_length.
Result<BlockClass> block_class_of(ByteView bytes);

// How many of a block's first bytes hold its directory, from its fixed header alone.
Result<std::size_t> block_front_length(ByteView bytes);
// The directory from these bytes, without the rest of the block and so without its checksum: for holding it
// against what is known from elsewhere.
Result<BlockDirectory> read_block_front(ByteView front);

inline constexpr std::size_t kBlockHeaderBytes = 24;
inline constexpr std::size_t kBlockChecksumBytes = 32;

// The fixed part in front of a block. Its lengths agree with each other and are within the limits.
struct BlockHeader {
  bool quick = true;  // the checksum covers the body by a quick hash: every block that is made now
  BlockSuite suite = BlockSuite::plain_raw;
  BlockClass block_class = BlockClass::data;
  std::uint32_t objects = 0, directory_bytes = 0, body_bytes = 0, raw_bytes = 0;

  std::size_t body_offset() const { return kBlockHeaderBytes + directory_bytes; }
  std::size_t block_bytes() const { return body_offset() + body_bytes + kBlockChecksumBytes; }
};
// Of at least kBlockHeaderBytes. For whoever makes do with what is left of a block.
Result<BlockHeader> read_block_header(ByteView bytes);

// The checksum a block ends with.
Digest block_checksum(ByteView block);

}  // namespace rb
