#include "format/chunk_list.h"

#include "base/byte_codec.h"
#include "base/limits.h"
#include "format/ref_codec.h"

// Layout (docs/format.md, "Chunk list"): u8 version, u8 level, varint count, then the column of lengths
// (varints), then the column of references: 0 a hole, else one more than the reference's code
// (format/ref_codec.h).

namespace rb {
namespace {

constexpr std::uint8_t kChunkListVersion = 0;

// What a page may hold, whoever made it. `previous` is the item before, or nullptr.
const char* wrong_with(int level, const ChunkListItem& item, const ChunkListItem* previous) {
  if (item.length == 0) return "an item of no bytes";
  if (!item.id) {
    if (level > 0) return "a hole above level 0";
    if (previous != nullptr && !previous->id) return "a hole after a hole";
  } else if (level == 0 && item.length > kMaxChunkBytes) {
    return "a chunk longer than any chunk may be";
  }
  return nullptr;
}

std::unexpected<Error> corrupt_chunk_list(const char* what) {
  return fail(Errc::corrupt, std::string("chunk list: ") + what);
}

bool fits(std::size_t refs, std::size_t payload) {
  return refs <= kMaxObjectRefs && refs * ObjectId::kSize + payload <= kMaxMetadataBytes;
}

}  // namespace

Object encode_chunk_list(const ChunkListPage& page) {
  RB_ASSERT(page.level >= 0 && page.level < kMaxPageLevels);
  RB_ASSERT(!page.items.empty() && page.items.size() <= kMaxPageItems);
  Object object{.kind = ObjectKind::chunk_list};
  object.payload.reserve(8 + page.items.size() * 4);
  ByteWriter writer(object.payload);
  writer.u8(kChunkListVersion);
  writer.u8(static_cast<std::uint8_t>(page.level));
  writer.varint(page.items.size());
  std::uint64_t total = 0;
  const ChunkListItem* previous = nullptr;
  for (const ChunkListItem& item : page.items) {
    RB_ASSERT(wrong_with(page.level, item, previous) == nullptr);
    RB_ASSERT(item.length <= static_cast<std::uint64_t>(INT64_MAX) - total);
    total += item.length;
    writer.varint(item.length);
    previous = &item;
  }
  RefEncoder refs(page.items.size());
  for (const ChunkListItem& item : page.items)
    writer.varint(item.id ? refs.encode(*item.id) + 1 : 0);
  object.refs = refs.take();
  RB_ASSERT(fits(object.refs.size(), object.payload.size()));
  return object;
}

Result<ChunkListPage> decode_chunk_list(std::span<const ObjectId> refs, ByteView payload) {
  if (!fits(refs.size(), payload.size())) return corrupt_chunk_list("larger than any page may be");
  ByteReader reader(payload);
  const std::uint8_t version = reader.u8();
  if (reader.ok() && version != kChunkListVersion)
    return fail(Errc::unsupported, "chunk list: unknown version");
  ChunkListPage page;
  page.level = reader.u8();
  if (page.level >= kMaxPageLevels) return corrupt_chunk_list("too many levels");
  const std::uint64_t count = reader.varint_max(kMaxPageItems);
  if (!reader.ok() || count == 0 || count > reader.remaining() / 2)
    return corrupt_chunk_list("impossible count");
  if (!are_unique(refs)) return corrupt_chunk_list("a reference stands twice");

  page.items.resize(count);
  std::uint64_t total = 0;
  for (ChunkListItem& item : page.items) {
    item.length = reader.varint_max(static_cast<std::uint64_t>(INT64_MAX) - total);
    total += item.length;
  }
  RefDecoder decoder(refs);
  const ChunkListItem* previous = nullptr;
  for (ChunkListItem& item : page.items) {
    if (const std::uint64_t code = reader.varint(); code > 0) {
      const ObjectId* id = decoder.decode(code - 1);
      if (id == nullptr) return corrupt_chunk_list("names a reference that it does not have");
      item.id = *id;
    }
    if (!reader.ok()) return corrupt_chunk_list("cut off");
    if (const char* what = wrong_with(page.level, item, previous)) return corrupt_chunk_list(what);
    previous = &item;
  }
  if (!reader.done()) return corrupt_chunk_list("bytes after the end");
  if (!decoder.done()) return corrupt_chunk_list("a reference that nothing names");
  return page;
}

}  // namespace rb
