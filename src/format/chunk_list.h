// A page of a file's contents: data (a chunk), holes (nothing stored, read as zeros) and, above level 0,
// whole pages with their subtotals. Items are lengths and refs, never offsets, so a page means the same
// wherever it stands and an append changes only the pages at the end.
#pragma once

#include <vector>

#include "format/object.h"

namespace rb {

// One item of a page, in file order. Invariant: length > 0; a hole never follows a hole.
struct ChunkListItem {
  std::uint64_t length = 0;    // bytes of the file it stands for
  std::optional<ObjectId> id;  // level 0: a chunk, or nothing for a hole; above: a chunk list page
  bool operator==(const ChunkListItem&) const = default;
};

struct ChunkListPage {
  int level = 0;  // 0: items are chunks and holes; n: items are pages of level n - 1
  std::vector<ChunkListItem> items;
  bool operator==(const ChunkListPage&) const = default;
};

Object encode_chunk_list(const ChunkListPage& page);
Result<ChunkListPage> decode_chunk_list(std::span<const ObjectId> refs, ByteView payload);

}  // namespace rb
