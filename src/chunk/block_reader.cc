#include "base/limits.h"
#include "chunk/block_codec.h"
#include "chunk/zstd_codec.h"

namespace rb {

struct BlockReader::Impl {
  Status unpack(ByteView block);
  Status check_lengths() const;

  ZstdDecompressor decompressor;
  BlockDirectory directory;
  Bytes buffer;                    // for compressed bodies; at most kMaxBlockRawBytes
  std::vector<ByteView> payloads;  // in the buffer, or in the block itself
};

Status BlockReader::Impl::unpack(ByteView block) {
  RB_TRY(directory, decode_block_directory(block));
  ByteView body = block.subspan(directory.body_offset, directory.body_bytes);
  if (directory.suite == BlockSuite::plain_zstd) {
    if (buffer.size() < directory.raw_bytes) buffer.resize(directory.raw_bytes);
    const std::span<std::uint8_t> raw{buffer.data(), directory.raw_bytes};
    RB_TRY(decompressor.decompress(body, raw));
    body = raw;
  }
  RB_TRY(payloads, decode_block_body(body, directory.objects.size()));
  return check_lengths();
}

Status BlockReader::Impl::check_lengths() const {
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    const BlockObject& object = directory.objects[i];
    const std::size_t bytes = payloads[i].size() + object.refs.size() * ObjectId::kSize;
    if (bytes > (is_metadata(object.kind) ? kMaxMetadataBytes : kMaxChunkBytes)) {
      return fail(Errc::corrupt, "block: an object is larger than any may be");
    }
  }
  return {};
}

BlockReader::BlockReader() : impl_(std::make_unique<Impl>()) {}
BlockReader::~BlockReader() = default;
BlockReader::BlockReader(BlockReader&&) noexcept = default;
BlockReader& BlockReader::operator=(BlockReader&&) noexcept = default;

Status BlockReader::open(ByteView block) {
  Status status = impl_->unpack(block);
  if (!status) impl_->payloads.clear();
  return status;
}

std::size_t BlockReader::size() const {
  return impl_->payloads.size();
}

BlockReader::Item BlockReader::item(std::size_t index) const {
  RB_ASSERT(index < size());
  return {&impl_->directory.objects[index], impl_->payloads[index]};
}

Status BlockReader::verify(std::size_t index) const {
  const Item it = item(index);
  if (object_id(it.object->kind, it.object->refs, it.payload) == it.object->id) return {};
  return fail(Errc::corrupt, std::string(to_string(it.object->kind)) + " " + to_hex(it.object->id) +
                                 " is not what its id says");
}

Result<std::vector<NamedObject>> unpack_block(ByteView block) {
  BlockReader reader;
  RB_TRY(reader.open(block));
  std::vector<NamedObject> objects;
  objects.reserve(reader.size());
  for (std::size_t i = 0; i < reader.size(); ++i) {
    RB_TRY(reader.verify(i));
    const BlockReader::Item it = reader.item(i);
    objects.push_back({.id = it.object->id,
                       .object = {.kind = it.object->kind,
                                  .refs = it.object->refs,
                                  .payload = {it.payload.begin(), it.payload.end()}}});
  }
  return objects;
}

}  // namespace rb
