// Appends frames to a cache file under way, through a buffer. Thread-safe. After the first failure it does
// nothing more and gives the disk back what it took: a cache that can't be written must not stand in a
// backup's way.
#pragma once

#include <mutex>

#include "scan/cache_files.h"
#include "scan/place_table.h"

namespace rb {

class CacheLogWriter {
 public:
  explicit CacheLogWriter(CacheFiles files);
  // Without finish(): what was appended stays as a checkpoint, unless it is nothing.
  ~CacheLogWriter();

  // Completes and seals the header. Gives the frame's place, 0 after a failure.
  std::uint64_t append_pages(FrameHeader header, ByteView rows, ByteView pages);
  // Copies a frame as it was read, checksums included.
  std::uint64_t append_copy(FrameHeader header, ByteView rows, ByteView pages);
  void append_directory(const DirectoryRecord& record, std::uint32_t serial);
  bool has_directory(const PlaceKey& key) const;
  void flush();
  Status finish(const ObjectId& root_tree);

  // A number for the next begin_directory().
  std::uint32_t next_serial();

 private:
  std::uint64_t append(const FrameHeader& header, ByteView first, ByteView second);
  void put(ByteView bytes);
  void write_out();
  void give_up(Error error);
  void write_index(const ObjectId& root_tree);

  const CacheFiles files_;
  mutable std::mutex mutex_;
  CacheFiles::NewFile file_;
  Bytes buffer_;
  std::uint64_t end_ = 0;  // the file's length once the buffer is written
  std::uint32_t serial_ = 0;
  PlaceTable directories_;
  std::optional<Error> failed_;
  bool finished_ = false;
};

}  // namespace rb
