#include "backup/file_reader.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/chunk_list_builder.h"
#include "base/limits.h"

namespace rb {

namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

// Smaller files are not asked for holes, and smaller holes are read as the zeros they stand for: a list of
// tiny extents would cost more than it saves.
constexpr std::uint64_t kSmallestHole = 32 << 10;

bool has_holes(int fd, std::uint64_t size) {
  struct stat st;
  return size >= kSmallestHole && ::fstat(fd, &st) == 0 &&
         static_cast<std::uint64_t>(st.st_blocks) * 512 < size;
}

}  // namespace

void FileContent::assign_to(Entry& entry) && {
  entry.content_kind = kind;
  entry.inline_content = std::move(inline_content);
  entry.content = id;
  entry.size = size;
}

FileReader::FileReader(const Cutter& cutter, ObjectUploader& uploader, ObjectUploader::Stream& stream,
                       RunMonitor& monitor)
    : cutter_(cutter),
      uploader_(uploader),
      stream_(stream),
      monitor_(monitor),
      buffer_bytes_(std::max(kBufferBytes, 2 * cutter.max_bytes())),
      buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(buffer_bytes_)) {}

Result<FileContent> FileReader::read(int fd, std::uint64_t size) {
  if (size <= kInlineContentBytes) return read_tiny(fd, static_cast<std::size_t>(size));
  ChunkListBuilder list(uploader_);
  if (has_holes(fd, size)) {
    RB_TRY(read_around_holes(fd, size, list));
  } else {
    RB_TRY(read_extent(fd, 0, size, list));
  }
  auto content = list.finish();
  if (!content) {
    monitor_.stop_with(content.error());
    return std::unexpected(content.error());
  }
  return FileContent{.kind = content->kind, .inline_content = {}, .id = content->id, .size = content->size};
}

Result<FileContent> FileReader::read_tiny(int fd, std::size_t size) {
  if (size == 0) return FileContent{};
  RB_TRY(const std::size_t got, fill(fd, 0, std::span(buffer_.get(), size)));
  if (got == 0) return FileContent{};
  return FileContent{.kind = ContentKind::inline_bytes,
                     .inline_content = Bytes(buffer_.get(), buffer_.get() + got),
                     .id = {},
                     .size = got};
}

Status FileReader::read_around_holes(int fd, std::uint64_t size, ChunkListBuilder& list) {
  std::uint64_t at = 0;
  std::uint64_t extent_begin = 0;  // data from here to `at` is not read yet
  const auto read_pending = [&](std::uint64_t end) -> Result<bool> {
    if (end == extent_begin) return true;
    RB_TRY(const std::uint64_t ended, read_extent(fd, extent_begin, end, list));
    return ended == end;
  };
  while (at < size) {
    if (monitor_.stopped()) return monitor_.status();
    const off_t data = ::lseek(fd, static_cast<off_t>(at), SEEK_DATA);
    // ENXIO: nothing but a hole up to the end. Anything else: this file system can't tell, so all of it is
    // data.
    if (data < 0 && errno != ENXIO) break;
    const std::uint64_t hole_end = data < 0 ? size : std::min(static_cast<std::uint64_t>(data), size);
    if (hole_end - at >= kSmallestHole) {
      RB_TRY(const bool more, read_pending(at));
      if (!more) return {};
      RB_TRY(list.add_hole(hole_end - at));
      extent_begin = hole_end;
    }
    if (hole_end == size) {
      at = size;
      break;
    }
    const off_t hole = ::lseek(fd, static_cast<off_t>(hole_end), SEEK_HOLE);
    at = hole < 0 ? size : std::min(static_cast<std::uint64_t>(hole), size);
  }
  RB_TRY([[maybe_unused]] const bool complete, read_pending(size));
  return {};
}

Result<std::uint64_t> FileReader::read_extent(int fd, std::uint64_t begin, std::uint64_t end,
                                              ChunkListBuilder& list) {
  std::uint64_t offset = begin;  // of the first byte that is not in the buffer
  std::size_t held = 0;
  for (;;) {
    if (monitor_.stopped()) return std::unexpected(monitor_.status().error());
    const auto want = std::min<std::uint64_t>(buffer_bytes_ - held, end - offset);
    RB_TRY(const std::size_t got,
           fill(fd, offset, std::span(buffer_.get() + held, static_cast<std::size_t>(want))));
    offset += got;
    held += got;
    const bool at_end = got < want || offset == end;
    RB_TRY(const std::size_t used, cut(ByteView(buffer_.get(), held), at_end, list));
    std::memmove(buffer_.get(), buffer_.get() + used, held - used);
    held -= used;
    if (at_end) return offset;
  }
}

Result<std::size_t> FileReader::cut(ByteView data, bool at_end, ChunkListBuilder& list) {
  std::size_t used = 0;
  while (used < data.size()) {
    const ByteView rest = data.subspan(used);
    const std::size_t length = cutter_.next_cut(rest);
    // No cut was seen: only the end of the data makes one.
    if (length == rest.size() && length < cutter_.max_bytes() && !at_end) break;
    auto id = stream_.add_chunk(rest.first(length));
    Status added = id ? list.add_chunk(length, *id) : Status(std::unexpected(id.error()));
    if (!added) {
      monitor_.stop_with(added.error());
      return std::unexpected(added.error());
    }
    used += length;
  }
  return used;
}

Result<std::size_t> FileReader::fill(int fd, std::uint64_t offset, std::span<std::uint8_t> into) {
  std::size_t got = 0;
  while (got < into.size()) {
    const ssize_t n = ::pread(fd, into.data() + got, into.size() - got, static_cast<off_t>(offset + got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading", errno);
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  monitor_.bytes_read += got;
  return got;
}

}  // namespace rb
