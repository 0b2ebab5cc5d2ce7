// What the copy has of a file that is read again. Where its bytes are still the same, hashing says so: no cut
// has to be looked for, and nothing is asked.
#pragma once

#include <optional>
#include <vector>

#include "tree/content_cursor.h"

namespace rb {

struct KnownChunk {
  std::uint64_t offset = 0;
  std::size_t length = 0;
  ObjectId id;
  // It ended where the data did, before a hole or at the end of the file, not at a cut of its own.
  bool ends_extent = false;
};

// Gives the chunks in file order, with their pages loaded as they are needed. Not thread-safe.
class KnownChunks {
 public:
  // Knows nothing.
  KnownChunks() = default;
  // Borrows the source. Of an entry without chunks nothing is known.
  KnownChunks(ObjectSource& source, const Entry& entry);

  // Those that begin before `end` and were not given yet. A page that can't be loaded ends what is known: it
  // is only knowledge, and a store that fails says so elsewhere.
  std::vector<KnownChunk> take_until(std::uint64_t end);

 private:
  void advance();

  std::optional<ContentCursor> cursor_;
  std::optional<ContentPiece> next_;
};

}  // namespace rb
