// Reads the content of one regular file into chunks. Holes are not read; a file of a few bytes becomes
// content of its entry, a small one a chunk. A large one may be read by several threads: it is cut at the
// same places as by one. One per worker thread.
#pragma once

#include "backup/chunk_list_builder.h"
#include "backup/file_segment.h"
#include "format/entry.h"

namespace rb {

struct FileContent {
  ContentKind kind = ContentKind::none;
  Bytes inline_content;
  ObjectId id;
  std::uint64_t size = 0;  // bytes that were there, at most what was asked for

  void assign_to(Entry& entry) &&;
};

// Files of at least so many bytes are worth several threads.
inline constexpr std::uint64_t kSharedFileBytes = 64 << 20;

class FileReader {
 public:
  // Borrows all of them.
  FileReader(const Cutter& cutter, ObjectUploader& uploader, ObjectUploader::Stream& stream,
             RunMonitor& monitor)
      : uploader_(uploader), monitor_(monitor), stretches_(cutter, stream, monitor) {}

  // What else is good to know about a file.
  struct Help {
    const Entry* copy = nullptr;     // its entry in the copy, with all that it names in the store
    ObjectSource* source = nullptr;  // what that is loaded from
    WorkerPool* pool = nullptr;      // threads that help with a large one, and
    Worker* worker = nullptr;        // who reads; both or none. Never for a leaf of the pool's work
  };
  // Reads up to `size` bytes, or to the end where that comes first. An error is the file's, unless the
  // monitor says that the run was stopped: errors of the store stop it.
  Result<FileContent> read(int fd, std::uint64_t size, const Help& help);

  // For a file whose size is not known. What one read gives, if that can be a whole file that is too small to
  // be cut or to have holes: its size has to be compared. Nothing where it can't. Valid until the next call.
  Result<std::optional<ByteView>> peek(int fd);
  // What the bytes of such a file become; counts them as read.
  Result<FileContent> keep_peeked(ByteView bytes, const Entry* copy);

  StretchReader& stretches() { return stretches_; }

 private:
  // Files below are small: not cut, and without holes.
  std::size_t small_end() const;
  Result<FileContent> keep_small(ByteView bytes, const Entry* copy);
  Result<FileContent> read_chunks(int fd, std::uint64_t size, const Help& help);

  ObjectUploader& uploader_;
  RunMonitor& monitor_;
  StretchReader stretches_;
};

}  // namespace rb
