// Builds the chunk list of one file as pages. A page ends where the id of an item says so, so that an append
// changes only the pages at the end and an insertion only those around it. Holds one open page per level.
#pragma once

#include <vector>

#include "format/chunk_list.h"
#include "format/entry.h"
#include "format/object_io.h"

namespace rb {

class ChunkListBuilder {
 public:
  // Borrows the sink, which gets each page as it closes, children before parents.
  explicit ChunkListBuilder(ObjectSink& sink) : sink_(sink) {}

  // Errors are the sink's.
  Status add_chunk(std::uint64_t length, const ObjectId& chunk);
  // Holes in a row become one.
  Status add_hole(std::uint64_t length);

  struct Content {
    ContentKind kind = ContentKind::none;
    ObjectId id;
    std::uint64_t size = 0;
  };
  // A file of one chunk is that chunk; one without items has no content.
  Result<Content> finish();

 private:
  struct Level {
    std::vector<ChunkListItem> open;
    std::uint64_t bytes = 0;  // subtotal of open
    bool closed_any = false;
  };
  Status add(std::size_t level, ChunkListItem item);
  Status close(std::size_t level);
  Status settle_hole();

  ObjectSink& sink_;
  std::vector<Level> levels_;
  std::uint64_t hole_ = 0;  // not added yet: more may follow
  std::uint64_t size_ = 0;
};

}  // namespace rb
