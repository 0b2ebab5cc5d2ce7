#include "backup/stretch_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "base/limits.h"

namespace rb {

namespace {
constexpr std::size_t kBufferBytes = 1 << 20;
static_assert(kBufferBytes >= kMaxChunkBytes, "whatever chunk is known fits");
}  // namespace

// The bytes of a file from some position on, as far as they are read.
class StretchReader::Window {
 public:
  Window(StretchReader& reader, int fd, std::uint64_t begin, std::uint64_t end)
      : reader_(reader), fd_(fd), position_(begin), end_(end) {}

  std::uint64_t position() const { return position_; }
  ByteView view() const { return ByteView(reader_.buffer_.get() + used_, held_); }
  // Nothing follows what is in view.
  bool at_end() const { return ended_ || position_ + held_ == end_; }

  void advance(std::size_t bytes) {
    used_ += bytes;
    held_ -= bytes;
    position_ += bytes;
  }

  // Brings as much into view as there is room for.
  Status fill() {
    std::uint8_t* const buffer = reader_.buffer_.get();
    std::memmove(buffer, buffer + used_, held_);
    used_ = 0;
    while (!at_end() && held_ < reader_.buffer_bytes_) {
      if (reader_.monitor_.stopped()) return reader_.monitor_.status();
      const auto want = std::min<std::uint64_t>(reader_.buffer_bytes_ - held_, end_ - position_ - held_);
      const ssize_t n =
          ::pread(fd_, buffer + held_, static_cast<std::size_t>(want), static_cast<off_t>(position_ + held_));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno("reading", errno);
      ended_ = n == 0;
      held_ += static_cast<std::size_t>(n);
      reader_.monitor_.bytes_read += static_cast<std::uint64_t>(n);
    }
    return {};
  }

 private:
  StretchReader& reader_;
  const int fd_;
  std::uint64_t position_;  // of the first byte in view
  const std::uint64_t end_;
  std::size_t used_ = 0, held_ = 0;
  bool ended_ = false;  // the file is shorter than was said
};

StretchReader::StretchReader(const Cutter& cutter, ObjectUploader::Stream& stream, RunMonitor& monitor)
    : cutter_(cutter),
      stream_(stream),
      monitor_(monitor),
      buffer_bytes_(std::max(kBufferBytes, 2 * cutter.max_bytes())),
      buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(buffer_bytes_)) {}

StretchReader::~StretchReader() = default;

Result<std::uint64_t> StretchReader::read(const Stretch& stretch, const Take& take) {
  Window window(*this, stretch.fd, stretch.begin, stretch.data_end);
  KnownPath known(stretch.known);
  const auto hand_on = [&](const CutChunk& chunk) -> Status {
    const Status taken = take(chunk);
    if (!taken) monitor_.stop_with(taken.error());
    window.advance(chunk.length);
    return taken;
  };
  while (window.position() < stretch.stop) {
    if (window.view().empty()) RB_TRY(window.fill());
    if (window.view().empty()) break;
    const std::uint64_t position = window.position();
    if (const auto expected = known.at(position)) {
      RB_TRY(const bool is_still, is_still(window, *expected, stretch.data_end));
      if (is_still) {
        RB_TRY(hand_on({position, expected->length, expected->id}));
        continue;
      }
    }
    RB_TRY(const std::size_t length, next_length(window));
    const ByteView bytes = window.view().first(length);
    const ObjectId id = object_id(ObjectKind::chunk, {}, bytes);
    if (!known.finds(id, position)) {
      const Status added = stream_.add_chunk(id, bytes);
      if (!added) monitor_.stop_with(added.error());
      RB_TRY(Status(added));
    }
    RB_TRY(hand_on({position, length, id}));
  }
  return window.position();
}

// A chunk that was cut where the data ended would go on now, if more data follows.
Result<bool> StretchReader::is_still(Window& window, const KnownChunk& chunk, std::uint64_t data_end) const {
  const std::uint64_t end = chunk.offset + chunk.length;
  if (end > data_end || (chunk.ends_extent && end != data_end)) return false;
  if (window.view().size() < chunk.length) RB_TRY(window.fill());
  if (window.view().size() < chunk.length) return false;
  return object_id(ObjectKind::chunk, {}, window.view().first(chunk.length)) == chunk.id;
}

// Requires: something is in view.
Result<std::size_t> StretchReader::next_length(Window& window) const {
  for (;;) {
    const ByteView rest = window.view();
    const std::size_t length = cutter_.next_cut(rest);
    // No cut was seen: only the end of the data makes one.
    if (length < rest.size() || length == cutter_.max_bytes() || window.at_end()) return length;
    RB_TRY(window.fill());
  }
}

Result<std::uint64_t> StretchReader::find_cut(int fd, std::uint64_t from, std::uint64_t at,
                                              std::uint64_t data_end) {
  Window window(*this, fd, from, data_end);
  while (window.position() < at) {
    if (window.view().empty()) RB_TRY(window.fill());
    if (window.view().empty()) break;
    RB_TRY(const std::size_t length, next_length(window));
    window.advance(length);
  }
  return window.position();
}

Result<bool> StretchReader::still_has(int fd, const KnownChunk& chunk) {
  Window window(*this, fd, chunk.offset, chunk.offset + chunk.length);
  return is_still(window, chunk, chunk.offset + chunk.length);
}

Result<ByteView> StretchReader::peek(int fd, std::size_t size) {
  RB_ASSERT(size <= buffer_bytes_);
  for (;;) {
    const ssize_t n = ::pread(fd, buffer_.get(), size, 0);
    if (n >= 0) return ByteView(buffer_.get(), static_cast<std::size_t>(n));
    if (errno != EINTR) return fail_errno("reading", errno);
  }
}

Result<ByteView> StretchReader::read_whole(int fd, std::size_t size) {
  RB_ASSERT(size <= buffer_bytes_);
  Window window(*this, fd, 0, size);
  RB_TRY(window.fill());
  return window.view();
}

}  // namespace rb
