#include <algorithm>
#include <cstring>

#include "base/limits.h"
#include "chunk/block_codec.h"
#include "chunk/zstd_codec.h"

namespace rb {
namespace {

constexpr std::size_t kMaxLengthBytes = 4;
static_assert(kMaxBlockRawBytes < (1u << (7 * kMaxLengthBytes)), "a length takes at most four bytes");

// The table of lengths stands before the payloads, but is known after them: the buffer keeps this much room
// in front, so that the body needs no further copy.
constexpr std::size_t kTableRoom = kMaxBlockObjects * kMaxLengthBytes;

std::size_t write_varint(std::uint8_t* out, std::size_t value) {
  std::size_t n = 0;
  for (; value >= 0x80; value >>= 7)
    out[n++] = static_cast<std::uint8_t>(value | 0x80);
  out[n++] = static_cast<std::uint8_t>(value);
  return n;
}

// What counts against a block's target.
std::size_t weight_of(std::size_t payload_bytes, std::size_t ref_count) {
  return payload_bytes + ref_count * ObjectId::kSize;
}

}  // namespace

struct BlockBuilder::Impl {
  Impl(BlockClass c, CompressionOptions o) : options(o), compressor(o.level) {
    directory.block_class = c;
    buffer.reserve(kTableRoom + target());  // growing by and by, it would touch three times the memory
    buffer.resize(kTableRoom);
  }
  void clear() {
    directory.objects.clear();
    lengths.clear();
    buffer.resize(kTableRoom);
    weight = 0;
  }
  ByteView body();
  std::size_t target() const {
    return directory.block_class == BlockClass::metadata ? kMetadataBlockBytes : kBlockBytes;
  }

  CompressionOptions options;
  ZstdCompressor compressor;
  BlockDirectory directory;
  std::vector<std::size_t> lengths;
  Bytes buffer;            // room for the table, then the payloads back to back
  std::size_t weight = 0;  // of all objects
};

ByteView BlockBuilder::Impl::body() {
  std::uint8_t table[kMaxLengthBytes];
  std::size_t table_bytes = 0;
  for (const std::size_t length : lengths)
    table_bytes += write_varint(table, length);
  const std::size_t begin = kTableRoom - table_bytes;
  std::size_t at = begin;
  for (const std::size_t length : lengths) {
    const std::size_t n = write_varint(table, length);
    std::memcpy(buffer.data() + at, table, n);
    at += n;
  }
  return ByteView(buffer).subspan(begin);
}

BlockBuilder::BlockBuilder(BlockClass block_class, CompressionOptions options)
    : impl_(std::make_unique<Impl>(block_class, options)) {}
BlockBuilder::~BlockBuilder() = default;
BlockBuilder::BlockBuilder(BlockBuilder&&) noexcept = default;
BlockBuilder& BlockBuilder::operator=(BlockBuilder&&) noexcept = default;

void BlockBuilder::set_compression(CompressionOptions options) {
  if (options.level != impl_->options.level) impl_->compressor.set_level(options.level);
  impl_->options = options;
}

bool BlockBuilder::empty() const {
  return impl_->lengths.empty();
}
std::size_t BlockBuilder::raw_bytes() const {
  return impl_->buffer.size() - kTableRoom;
}
std::size_t BlockBuilder::object_count() const {
  return impl_->lengths.size();
}

bool BlockBuilder::full_for(std::size_t payload_bytes, std::size_t ref_count) const {
  if (empty()) return false;
  const std::size_t added = weight_of(payload_bytes, ref_count);
  if (added >= kLoneBytes) return true;
  // Also where the block holds a lone object: nothing joins it.
  if (object_count() == 1 && impl_->weight >= kLoneBytes) return true;
  return object_count() >= kMaxBlockObjects || impl_->weight + added > impl_->target();
}

void BlockBuilder::add(const ObjectId& id, ObjectKind kind, std::span<const ObjectId> refs,
                       ByteView payload) {
  RB_ASSERT(is_metadata(kind) == (impl_->directory.block_class == BlockClass::metadata));
  RB_ASSERT(valid_ref_count(kind, refs.size()));
  RB_ASSERT(weight_of(payload.size(), refs.size()) <=
            (is_metadata(kind) ? kMaxMetadataBytes : kMaxChunkBytes));
  RB_ASSERT(!full_for(payload.size(), refs.size()));
  impl_->directory.objects.push_back({.id = id, .kind = kind, .refs = {refs.begin(), refs.end()}});
  impl_->lengths.push_back(payload.size());
  append(impl_->buffer, payload);
  impl_->weight += weight_of(payload.size(), refs.size());
}

std::vector<ObjectId> BlockBuilder::ids() const {
  std::vector<ObjectId> ids;
  ids.reserve(object_count());
  for (const BlockObject& object : impl_->directory.objects)
    ids.push_back(object.id);
  return ids;
}

void BlockBuilder::keep_only(const std::vector<bool>& wanted) {
  RB_ASSERT(wanted.size() == object_count());
  std::vector<BlockObject>& objects = impl_->directory.objects;
  std::size_t kept = 0;
  std::size_t from = kTableRoom, to = kTableRoom;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const std::size_t length = impl_->lengths[i];
    if (wanted[i]) {
      if (kept != i) objects[kept] = std::move(objects[i]);
      std::memmove(impl_->buffer.data() + to, impl_->buffer.data() + from, length);
      impl_->lengths[kept++] = length;
      to += length;
    } else {
      impl_->weight -= weight_of(length, objects[i].refs.size());
    }
    from += length;
  }
  objects.resize(kept);
  impl_->lengths.resize(kept);
  impl_->buffer.resize(to);
}

Bytes BlockBuilder::finish() {
  RB_ASSERT(!empty());
  const ByteView raw = impl_->body();
  impl_->directory.raw_bytes = static_cast<std::uint32_t>(raw.size());
  std::optional<ByteView> packed;
  if (!impl_->options.off) packed = impl_->compressor.compress(raw);
  impl_->directory.suite = packed ? BlockSuite::plain_zstd : BlockSuite::plain_raw;
  Bytes block = encode_block(impl_->directory, packed.value_or(raw));
  impl_->clear();
  return block;
}

}  // namespace rb
