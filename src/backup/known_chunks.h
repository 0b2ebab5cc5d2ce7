// What the copy has of a file that is read again. Where its bytes are still the same, hashing says so: no cut
// has to be looked for, and nothing is asked.
#pragma once

#include <optional>
#include <span>
#include <unordered_map>
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

// Follows a file through some of its known chunks, while it is read from some place on. Where something was
// inserted or taken out, a chunk that is found again says by how much those behind it have moved.
class KnownPath {
 public:
  // Borrows the chunks, which are sorted by offset.
  explicit KnownPath(std::span<const KnownChunk> chunks) : chunks_(chunks) {}

  // The chunk to expect at `position`, with its offset as it would be now. Requires: positions ascend.
  std::optional<KnownChunk> at(std::uint64_t position);
  // A chunk was cut at `position`. Whether it is one of these, so that the store has it.
  bool finds(const ObjectId& id, std::uint64_t position);

 private:
  const std::span<const KnownChunk> chunks_;
  std::size_t next_ = 0;
  std::uint64_t moved_ = 0;                           // modulo 2^64: backwards too
  std::unordered_map<ObjectId, std::size_t> places_;  // made when it is needed first
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
