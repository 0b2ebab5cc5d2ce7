// Gives the content of one stored file as a row of pieces, loading chunk list pages one at a time, whatever
// its size.
#pragma once

#include <optional>
#include <vector>

#include "format/chunk_list.h"
#include "format/entry.h"
#include "format/object_io.h"

namespace rb {

// One run of the file: a chunk, or a hole where nothing is stored.
struct ContentPiece {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::optional<ObjectId> chunk;
};

// For entries with content of kind chunk or chunk_list. Checks that levels descend, that subtotals and the
// file's size agree, and that no chunk claims more than kMaxChunkBytes, so that its user need not. Not
// thread-safe.
class ContentCursor {
 public:
  // Borrows the source. Requires: entry.content_kind is chunk or chunk_list.
  ContentCursor(ObjectSource& source, const Entry& entry);

  // The next piece in file order; nothing at the end of the file. Nothing sensible follows an error.
  Result<std::optional<ContentPiece>> next();

 private:
  struct Frame {
    ChunkListPage page;
    std::size_t index = 0;
  };
  Status open(const ObjectId& id, std::optional<int> level, std::uint64_t length);
  void read_ahead(const Frame& frame);

  ObjectSource* source_;
  ObjectId root_;
  bool single_;
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
  bool started_ = false;
  std::vector<Frame> frames_;
};

}  // namespace rb
