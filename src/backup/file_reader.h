// Reads the content of one regular file into chunks. Holes are not read; a file of a few bytes becomes
// content of its entry, a small one a chunk. Reuses its buffer: one per worker thread.
#pragma once

#include <memory>

#include "backup/object_uploader.h"
#include "chunk/cutter.h"
#include "format/entry.h"

namespace rb {

class ChunkListBuilder;

struct FileContent {
  ContentKind kind = ContentKind::none;
  Bytes inline_content;
  ObjectId id;
  std::uint64_t size = 0;  // bytes that were there, at most what was asked for

  void assign_to(Entry& entry) &&;
};

class FileReader {
 public:
  // Borrows all of them.
  FileReader(const Cutter& cutter, ObjectUploader& uploader, ObjectUploader::Stream& stream,
             RunMonitor& monitor);

  // Reads up to `size` bytes, or to the end where that comes first. An error is the file's, unless the
  // monitor says that the run was stopped: errors of the store stop it.
  Result<FileContent> read(int fd, std::uint64_t size);

 private:
  Result<FileContent> read_tiny(int fd, std::size_t size);
  // The data between two holes, or of the whole file. Gives where it ended: less than `end` at the end of the
  // file.
  Result<std::uint64_t> read_extent(int fd, std::uint64_t begin, std::uint64_t end, ChunkListBuilder& list);
  Status read_around_holes(int fd, std::uint64_t size, ChunkListBuilder& list);
  // Cuts what is in the buffer; gives how many bytes were used up.
  Result<std::size_t> cut(ByteView data, bool at_end, ChunkListBuilder& list);
  Result<std::size_t> fill(int fd, std::uint64_t offset, std::span<std::uint8_t> into);

  const Cutter& cutter_;
  ObjectUploader& uploader_;
  ObjectUploader::Stream& stream_;
  RunMonitor& monitor_;
  // Not initialised: a run of small files touches little of it.
  std::size_t buffer_bytes_;
  std::unique_ptr<std::uint8_t[]> buffer_;
};

}  // namespace rb
