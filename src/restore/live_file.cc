#include "restore/live_file.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/unique_fd.h"
#include "format/object.h"
#include "tree/content_cursor.h"

namespace rb {

namespace {

constexpr std::uint64_t kZerosReadAtOnce = 256 << 10;

// Fewer bytes only at the end of the file.
Result<std::size_t> read_at(int fd, const std::string& path, std::uint64_t offset,
                            std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("reading " + path, errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<bool> same_piece(int fd, const std::string& path, const ContentPiece& piece, Bytes& buffer) {
  for (std::uint64_t done = 0; done < piece.length;) {
    const std::uint64_t left = piece.length - done;
    buffer.resize(static_cast<std::size_t>(piece.chunk ? left : std::min(left, kZerosReadAtOnce)));
    RB_TRY(const std::size_t got, read_at(fd, path, piece.offset + done, buffer));
    if (got < buffer.size()) return false;
    const bool same = piece.chunk
                          ? object_id(ObjectKind::chunk, {}, buffer) == *piece.chunk
                          : std::all_of(buffer.begin(), buffer.end(), [](auto byte) { return byte == 0; });
    if (!same) return false;
    done += buffer.size();
  }
  return true;
}

Result<bool> same_content(ObjectSource& objects, int fd, const std::string& path, const Entry& entry) {
  Bytes buffer;
  if (entry.content_kind != ContentKind::chunk && entry.content_kind != ContentKind::chunk_list) {
    buffer.resize(entry.inline_content.size());
    RB_TRY(const std::size_t got, read_at(fd, path, 0, buffer));
    return got == buffer.size() && buffer == entry.inline_content;
  }
  ContentCursor cursor(objects, entry);
  for (;;) {
    RB_TRY(const std::optional<ContentPiece> piece, cursor.next());
    if (!piece) return true;
    RB_TRY(const bool same, same_piece(fd, path, *piece, buffer));
    if (!same) return false;
  }
}

}  // namespace

Result<LiveFile> compare_live_file(ObjectSource& objects, const std::string& path, const Entry& entry) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return LiveFile::gone;
  if (!fd && errno == ELOOP) return LiveFile::changed;
  if (!fd) return fail_errno("opening " + path, errno);
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return fail_errno("looking at " + path, errno);
  if (!S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) != entry.size) return LiveFile::changed;
  RB_TRY(const bool same, same_content(objects, fd.get(), path, entry));
  if (same) return LiveFile::same;
  // As it is now: a file that somebody wrote to while it was read was changed.
  struct stat after {};
  if (::fstat(fd.get(), &after) != 0) return fail_errno("looking at " + path, errno);
  const Timestamp mtime{after.st_mtim.tv_sec, static_cast<std::uint32_t>(after.st_mtim.tv_nsec)};
  return mtime == entry.mtime ? LiveFile::differs : LiveFile::changed;
}

}  // namespace rb
