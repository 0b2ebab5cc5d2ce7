#include "scan/directory.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/limits.h"

namespace rb {

namespace {

// Bytes of directory entries asked for at once. A directory of a million names costs some 150 calls; more
// gains nothing.
constexpr std::size_t kDirentBufferBytes = 256 << 10;

// The kernel chose the values of these statx bits to equal those of FS_IOC_GETFLAGS.
static_assert(STATX_ATTR_COMPRESSED == FS_COMPR_FL && STATX_ATTR_IMMUTABLE == FS_IMMUTABLE_FL &&
              STATX_ATTR_APPEND == FS_APPEND_FL && STATX_ATTR_NODUMP == FS_NODUMP_FL);
constexpr std::uint64_t kAttributesOfStatx =
    STATX_ATTR_COMPRESSED | STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP;

// What getdents64 writes; the C library declares it only for its own readdir.
struct KernelDirent {
  std::uint64_t inode;
  std::int64_t position;
  std::uint16_t record_bytes;
  std::uint8_t d_type;
  char name[1];  // NUL-terminated
};

char* dirent_buffer() {
  thread_local const std::unique_ptr<char[]> buffer(new char[kDirentBufferBytes]);
  return buffer.get();
}

// A user-space file system may say anything; Timestamp's invariant must hold all the same.
Timestamp timestamp_of(const statx_timestamp& t) {
  return {t.tv_sec, std::min<std::uint32_t>(t.tv_nsec, 999'999'999)};
}

std::optional<EntryType> type_of(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return EntryType::file;
    case S_IFDIR:
      return EntryType::directory;
    case S_IFLNK:
      return EntryType::symlink;
    case S_IFIFO:
      return EntryType::fifo;
    case S_IFSOCK:
      return EntryType::socket;
    case S_IFCHR:
      return EntryType::char_device;
    case S_IFBLK:
      return EntryType::block_device;
    default:
      return std::nullopt;
  }
}

Result<FileStat> file_stat(int directory, const char* name, int flags) {
  struct statx sx;
  while (::statx(directory, name, flags | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_SYNC_AS_STAT,
                 STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &sx) != 0) {
    if (errno != EINTR) return fail_errno("reading its attributes", errno);
  }
  const std::optional<EntryType> type = type_of(sx.stx_mode);
  if (!type) return fail(Errc::unsupported, "a type of file that this program does not know");
  FileStat out;
  out.type = *type;
  out.mode = sx.stx_mode & 07777;
  out.uid = sx.stx_uid;
  out.gid = sx.stx_gid;
  out.link_count = sx.stx_nlink;
  out.size = sx.stx_size;
  out.inode = sx.stx_ino;
  out.device = gnu_dev_makedev(sx.stx_dev_major, sx.stx_dev_minor);
  if (sx.stx_mask & STATX_MNT_ID) out.mount_id = sx.stx_mnt_id;
  out.mount_root = (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  out.special_device = std::uint64_t{sx.stx_rdev_major} << 32 | sx.stx_rdev_minor;
  out.attributes = sx.stx_attributes & kAttributesOfStatx;
  out.mtime = timestamp_of(sx.stx_mtime);
  out.ctime = timestamp_of(sx.stx_ctime);
  // Some file systems claim a birth time and give zero.
  if ((sx.stx_mask & STATX_BTIME) && (sx.stx_btime.tv_sec != 0 || sx.stx_btime.tv_nsec != 0)) {
    out.birth = timestamp_of(sx.stx_btime);
  }
  return out;
}

bool is_dot_or_dot_dot(std::string_view name) {
  return name == "." || name == "..";
}

}  // namespace

Result<OpenDirectory> OpenDirectory::open(int parent, const char* name) {
  int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME;
  for (;;) {
    const int fd = ::openat(parent, name, flags);
    if (fd >= 0) return OpenDirectory(UniqueFd(fd));
    if (errno == EINTR) continue;
    // Only the owner and root may leave the access time alone.
    if (errno == EPERM && (flags & O_NOATIME)) {
      flags &= ~O_NOATIME;
      continue;
    }
    if (errno == ENOTDIR || errno == ELOOP) {
      return fail(Errc::not_found, "is not a directory, or no longer", errno);
    }
    return fail_errno("opening the directory", errno);
  }
}

Result<FileStat> stat_of_open(int fd) {
  return file_stat(fd, "", AT_EMPTY_PATH);
}

Result<FileStat> OpenDirectory::stat_self() const {
  return stat_of_open(fd());
}

Result<FileStat> OpenDirectory::stat(const char* name) const {
  return file_stat(fd(), name, 0);
}

Result<NameList> OpenDirectory::list() const {
  NameList out;
  char* const buffer = dirent_buffer();
  if (::lseek(fd(), 0, SEEK_SET) < 0) return fail_errno("listing the directory", errno);
  for (;;) {
    const long got = ::syscall(SYS_getdents64, fd(), buffer, kDirentBufferBytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("listing the directory", errno);
    if (got == 0) break;
    for (long at = 0; at < got;) {
      const auto* const d = reinterpret_cast<const KernelDirent*>(buffer + at);
      at += d->record_bytes;
      const std::string_view name(d->name);
      if (name.empty() || is_dot_or_dot_dot(name)) continue;
      if (out.arena_.size() + name.size() + 1 > std::numeric_limits<std::uint32_t>::max()) {
        return fail(Errc::unsupported, "the directory holds more than 4 GiB of names");
      }
      out.items_.push_back({static_cast<std::uint32_t>(out.arena_.size()),
                            static_cast<std::uint32_t>(name.size()), d->d_type});
      out.arena_.insert(out.arena_.end(), name.data(), name.data() + name.size() + 1);
    }
  }
  out.sort();
  return out;
}

void NameList::sort() {
  const char* const arena = arena_.data();
  const auto name_of = [arena](const Item& i) { return std::string_view(arena + i.offset, i.length); };
  const auto less = [&](const Item& a, const Item& b) { return name_of(a) < name_of(b); };
  if (!std::is_sorted(items_.begin(), items_.end(), less)) std::sort(items_.begin(), items_.end(), less);
  // A directory that is changed while it is listed may show a name twice.
  const auto same = [&](const Item& a, const Item& b) { return name_of(a) == name_of(b); };
  items_.erase(std::unique(items_.begin(), items_.end(), same), items_.end());
}

}  // namespace rb
