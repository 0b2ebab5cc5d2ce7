// Reads a stretch of a file's data, cuts it into chunks and gives those to the store that it may not have.
// One per worker thread: reuses its buffer.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "backup/known_chunks.h"
#include "backup/object_uploader.h"
#include "chunk/cutter.h"

namespace rb {

// Where a chunk of a file was cut.
struct CutChunk {
  std::uint64_t offset = 0;
  std::size_t length = 0;
  ObjectId id;
  std::uint64_t end() const { return offset + length; }
};

struct Stretch {
  int fd = -1;
  std::uint64_t begin = 0;            // a cut
  std::uint64_t stop = 0;             // ends at the first cut from here on
  std::uint64_t data_end = 0;         // of the extent: a cut by itself; at least `stop`
  std::span<const KnownChunk> known;  // by offset; that the store holds them is certain
};

class StretchReader {
 public:
  // Borrows all of them.
  StretchReader(const Cutter& cutter, ObjectUploader::Stream& stream, RunMonitor& monitor);
  ~StretchReader();

  using Take = std::function<Status(const CutChunk&)>;
  // Gives where it ended; less than `stop` where the file has become shorter meanwhile. An error is the
  // file's, unless the monitor says that the run was stopped: errors of the store, and of `take`, stop it.
  Result<std::uint64_t> read(const Stretch& stretch, const Take& take);

  // A place at or after `at`, in the extent that ends at `data_end`, where reading from any cut before would
  // very likely cut too: the first one found by cutting from `from` on. Nothing is given to the store.
  Result<std::uint64_t> find_cut(int fd, std::uint64_t from, std::uint64_t at, std::uint64_t data_end);

  // Whether the file still has this chunk where it was.
  Result<bool> still_has(int fd, const KnownChunk& chunk);

  // The first bytes of a small file; fewer where it has become shorter. Requires: size <= capacity(). Valid
  // until the next call.
  Result<ByteView> read_whole(int fd, std::size_t size);
  // What one read of the file's beginning gives, of at most so many bytes; not counted as read. Requires and
  // valid as above.
  Result<ByteView> peek(int fd, std::size_t size);
  std::size_t capacity() const { return buffer_bytes_; }

  // For content that is not cut.
  ObjectUploader::Stream& stream() { return stream_; }
  const Cutter& cutter() const { return cutter_; }

 private:
  class Window;
  Result<std::size_t> next_length(Window& window) const;
  Result<bool> is_still(Window& window, const KnownChunk& chunk, std::uint64_t data_end) const;

  const Cutter& cutter_;
  ObjectUploader::Stream& stream_;
  RunMonitor& monitor_;
  // Not initialised: a run of small files touches little of it.
  std::size_t buffer_bytes_;
  std::unique_ptr<std::uint8_t[]> buffer_;
};

}  // namespace rb
