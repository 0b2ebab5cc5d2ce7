// One copy of the journal: a directory of segments. Knows which records stand in it, whatever their order,
// and writes further ones into a segment of its own. It judges records one by one; what they mean together is
// journal_chain.h's business. A file that an earlier process wrote is never written to, renamed or removed,
// damaged or not. Not thread-safe, but for read(), which only reads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "format/journal_format.h"

namespace rb {

// Where a record stands in a copy. length 0: nowhere.
struct JournalPlace {
  std::uint32_t segment = 0, offset = 0, length = 0;
};

// Enough of a hash to tell records apart, and half as much memory while the copies are compared.
using ShortHash = FixedId<struct ShortHashTag, 16>;
inline ShortHash shorten(const Digest& digest) {
  return ShortHash::from(digest.view().first(ShortHash::kSize));
}

struct JournalItem {
  std::uint64_t sequence = 0;
  ShortHash hash, predecessor;
  JournalPlace place;
};

class JournalCopy {
 public:
  JournalCopy(FileSystem& fs, std::string directory, const RepositoryId& repository)
      : fs_(fs), directory_(std::move(directory)), repository_(repository) {}

  const std::string& directory() const { return directory_; }

  // What load() found. With a problem, `items` may lack some: the copy must not be written to.
  struct Contents {
    std::vector<JournalItem> items;   // in no order
    std::optional<Error> problem;     // it can't be read
    std::uint64_t skipped_bytes = 0;  // that belong to no record: damage, or a write that a crash cut short
  };
  // Makes a directory that is missing. What it finds is durable. Fails only on what no other copy can mend: a
  // version or a kind of record that this program does not know, or another repository's journal.
  Result<Contents> load();

  // Sees to it that a record of this length can be written; a failure changes nothing and may be tried again.
  Status make_ready(std::size_t record_bytes);
  // Requires make_ready. Durable after sync(). After a failure of either the copy must not be written to any
  // more.
  Result<JournalPlace> write(ByteView record);
  Status sync();
  // After a failure, before it is loaded again: the next record opens a new segment.
  void leave_segment();

  // Reads records one after another; keeps the last segment it read in memory. Not thread-safe.
  class Reader {
   public:
    explicit Reader(const JournalCopy& copy) : copy_(copy) {}
    // Checked; valid until the next call.
    Result<ByteView> read(const JournalPlace& place);

   private:
    const JournalCopy& copy_;
    std::uint32_t segment_ = 0;
    Bytes bytes_;
  };

 private:
  std::string path(std::uint32_t segment) const;
  Status load_segment(std::uint32_t segment, Contents& contents);
  Status parse_segment(std::uint32_t segment, ByteView bytes, Contents& contents) const;

  FileSystem& fs_;
  std::string directory_;
  RepositoryId repository_;
  std::uint32_t last_segment_ = 0;
  std::unique_ptr<File> file_;  // the segment being written; null: the next record opens one
  std::uint64_t file_end_ = 0;
};

}  // namespace rb
