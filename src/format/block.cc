#include "format/block.h"

#include <algorithm>

#include "base/byte_codec.h"
#include "base/hash.h"
#include "base/limits.h"

// Layout (docs/format.md, "Block"):
//   header     magic "rbb1", u8 suite, u8 class, u16 zero, u32 objects, u32 directory, u32 body, u32 raw
//   bytes directory  ids; in a metadata block also kinds (u8), counts of refs (varints), all refs body
//   checksum   BLAKE3 over header, directory and the XXH3-128 of the body; of "rbb0" over everything before

namespace rb {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic = {'r', 'b', 'b', '1'}, kOlderMagic = {'r', 'b', 'b', '0'};

std::unexpected<Error> corrupt_block(const char* what) {
  return fail(Errc::corrupt, std::string("block: ") + what);
}

// Of a block without its checksum. The ids prove the contents against intent; against accidents this does.
Digest checksum_of(ByteView front, ByteView body, bool quick) {
  Hasher hasher;
  hasher.update(front);
  if (quick) {
    hasher.update(quick_hash(body));
  } else {
    hasher.update(body);
  }
  return hasher.digest();
}

Status check_header(const BlockHeader& header) {
  if (header.objects == 0 || header.objects > kMaxBlockObjects)
    return corrupt_block("impossible number of objects");
  if (header.raw_bytes < header.objects || header.raw_bytes > kMaxBlockRawBytes) {
    return corrupt_block("impossible unpacked length");
  }
  if (header.suite == BlockSuite::plain_raw ? header.body_bytes != header.raw_bytes
                                            : header.body_bytes >= header.raw_bytes) {
    return corrupt_block("the lengths of the body disagree");
  }
  const std::size_t per_object = ObjectId::kSize + (header.block_class == BlockClass::data ? 0 : 2);
  if (header.directory_bytes / per_object < header.objects || header.block_bytes() > kMaxBlockBytes) {
    return corrupt_block("impossible lengths");
  }
  if (header.block_class == BlockClass::data && header.directory_bytes != header.objects * per_object) {
    return corrupt_block("the directory has a wrong length");
  }
  return {};
}

// Sets kind and room for refs of each object of a metadata block.
Status read_kinds(ByteReader& reader, std::vector<BlockObject>& objects) {
  for (BlockObject& object : objects) {
    const std::uint8_t kind = reader.u8();
    if (!is_valid_kind(kind) || !is_metadata(static_cast<ObjectKind>(kind)))
      return corrupt_block("an object of a wrong kind");
    object.kind = static_cast<ObjectKind>(kind);
  }
  std::size_t left = reader.remaining() / ObjectId::kSize;
  for (BlockObject& object : objects) {
    const std::uint64_t count = reader.varint_max(left);
    if (!reader.ok() || !valid_ref_count(object.kind, count))
      return corrupt_block("impossible number of references");
    object.refs.resize(count);
    left -= count;
  }
  return {};
}

Status read_objects(ByteReader& reader, BlockDirectory& directory) {
  for (BlockObject& object : directory.objects)
    object.id = reader.id<ObjectId>();
  if (directory.block_class == BlockClass::metadata) {
    RB_TRY(read_kinds(reader, directory.objects));
    for (BlockObject& object : directory.objects) {
      for (ObjectId& ref : object.refs)
        ref = reader.id<ObjectId>();
    }
  }
  if (!reader.done()) return corrupt_block("the directory has a wrong length");
  return {};
}

void write_directory(ByteWriter& writer, const BlockDirectory& directory) {
  const bool metadata = directory.block_class == BlockClass::metadata;
  for (const BlockObject& object : directory.objects) {
    RB_ASSERT(is_metadata(object.kind) == metadata && valid_ref_count(object.kind, object.refs.size()));
    writer.bytes(object.id.view());
  }
  if (!metadata) return;
  for (const BlockObject& object : directory.objects)
    writer.u8(static_cast<std::uint8_t>(object.kind));
  for (const BlockObject& object : directory.objects)
    writer.varint(object.refs.size());
  for (const BlockObject& object : directory.objects) {
    writer.bytes(
        {reinterpret_cast<const std::uint8_t*>(object.refs.data()), object.refs.size() * ObjectId::kSize});
  }
}

}  // namespace

Bytes encode_block_body(std::span<const ByteView> payloads) {
  std::size_t total = payloads.size() * 4;
  for (const ByteView payload : payloads)
    total += payload.size();
  Bytes body;
  body.reserve(total);
  ByteWriter writer(body);
  for (const ByteView payload : payloads)
    writer.varint(payload.size());
  for (const ByteView payload : payloads)
    writer.bytes(payload);
  return body;
}

Result<std::vector<ByteView>> decode_block_body(ByteView raw, std::size_t object_count) {
  if (object_count > kMaxBlockObjects || object_count > raw.size())
    return corrupt_block("impossible number of objects");
  ByteReader reader(raw);
  std::vector<std::size_t> lengths(object_count);
  for (std::size_t& length : lengths)
    length = reader.varint_max(kMaxBlockRawBytes);
  std::vector<ByteView> payloads;
  payloads.reserve(object_count);
  for (const std::size_t length : lengths)
    payloads.push_back(reader.bytes(length));
  if (!reader.done()) return corrupt_block("the lengths of its objects disagree with its body");
  return payloads;
}

Bytes encode_block(const BlockDirectory& directory, ByteView body) {
  std::size_t estimate = kBlockHeaderBytes + body.size() + kBlockChecksumBytes;
  for (const BlockObject& object : directory.objects)
    estimate += 36 + object.refs.size() * ObjectId::kSize;
  Bytes block;
  block.reserve(estimate);
  ByteWriter writer(block);
  writer.bytes(kMagic);
  writer.u8(static_cast<std::uint8_t>(directory.suite));
  writer.u8(static_cast<std::uint8_t>(directory.block_class));
  writer.u16(0);
  writer.u32(static_cast<std::uint32_t>(directory.objects.size()));
  writer.u32(0);  // the directory's length, known below
  writer.u32(static_cast<std::uint32_t>(body.size()));
  writer.u32(directory.raw_bytes);
  write_directory(writer, directory);
  const auto directory_bytes = static_cast<std::uint32_t>(block.size() - kBlockHeaderBytes);
  std::memcpy(block.data() + 12, &directory_bytes, sizeof directory_bytes);
  const std::size_t body_offset = block.size();
  writer.bytes(body);
  RB_ASSERT(block_length(block));
  writer.bytes(checksum_of(ByteView(block).first(body_offset), body, true).view());
  return block;
}

Result<BlockHeader> read_block_header(ByteView bytes) {
  if (bytes.size() < kBlockHeaderBytes) return corrupt_block("cut off in its header");
  ByteReader reader(bytes.first(kBlockHeaderBytes));
  const ByteView magic = reader.bytes(kMagic.size());
  const bool quick = std::ranges::equal(magic, kMagic);
  if (!quick && !std::ranges::equal(magic, kOlderMagic)) return corrupt_block("does not begin like one");
  const std::uint8_t suite = reader.u8();
  const std::uint8_t block_class = reader.u8();
  const std::uint16_t zero = reader.u16();
  if (suite > static_cast<std::uint8_t>(BlockSuite::plain_zstd)) {
    return fail(Errc::unsupported, "block: suite " + std::to_string(suite) + " is not known to this version");
  }
  if (block_class > static_cast<std::uint8_t>(BlockClass::metadata) || zero != 0)
    return corrupt_block("unknown class");
  BlockHeader header{.quick = quick,
                     .suite = static_cast<BlockSuite>(suite),
                     .block_class = static_cast<BlockClass>(block_class)};
  header.objects = reader.u32();
  header.directory_bytes = reader.u32();
  header.body_bytes = reader.u32();
  header.raw_bytes = reader.u32();
  RB_TRY(check_header(header));
  return header;
}

Result<std::size_t> block_length(ByteView bytes) {
  RB_TRY(const BlockHeader header, read_block_header(bytes));
  return header.block_bytes();
}

Result<BlockClass> block_class_of(ByteView bytes) {
  RB_TRY(const BlockHeader header, read_block_header(bytes));
  return header.block_class;
}

Result<std::size_t> block_front_length(ByteView bytes) {
  RB_TRY(const BlockHeader header, read_block_header(bytes));
  return header.body_offset();
}

Result<BlockDirectory> read_block_front(ByteView front) {
  RB_TRY(const BlockHeader header, read_block_header(front));
  if (front.size() != header.body_offset()) {
    return corrupt_block("the directory's length is not what its header says");
  }
  BlockDirectory directory{.suite = header.suite, .block_class = header.block_class};
  directory.raw_bytes = header.raw_bytes;
  directory.body_offset = front.size();
  directory.body_bytes = header.body_bytes;
  directory.objects.resize(header.objects);
  ByteReader reader(front.subspan(kBlockHeaderBytes));
  RB_TRY(read_objects(reader, directory));
  return directory;
}

Result<BlockDirectory> decode_block_directory(ByteView block) {
  RB_TRY(const BlockHeader header, read_block_header(block));
  if (block.size() != header.block_bytes()) return corrupt_block("its length is not what its header says");
  const ByteView front = block.first(header.body_offset());
  const ByteView body = block.subspan(header.body_offset(), header.body_bytes);
  if (checksum_of(front, body, header.quick) != block_checksum(block))
    return corrupt_block("the checksum does not match");
  return read_block_front(front);
}

Digest block_checksum(ByteView block) {
  RB_ASSERT(block.size() >= kBlockHeaderBytes + kBlockChecksumBytes);
  return Digest::from(block.last(kBlockChecksumBytes));
}

}  // namespace rb
