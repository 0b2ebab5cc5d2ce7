#include "scan/file_system_clock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include <sys/vfs.h>

namespace rb {

namespace {

// From linux/magic.h where it names them. A network's file systems, and those of programs (FUSE), have times
// from elsewhere.
constexpr std::array<std::uint32_t, 6> kLocalTypes = {
    0xef53,      // ext2, ext3, ext4
    0x58465342,  // XFS
    0x9123683e,  // Btrfs
    0xf2f52010,  // F2FS
    0x01021994,  // tmpfs
    0x794c7630,  // overlayfs: what is changed is changed in its upper, local layer
};

}  // namespace

bool has_own_clock(int fd) {
  struct statfs fs;
  while (::fstatfs(fd, &fs) != 0) {
    if (errno != EINTR) return false;
  }
  return std::ranges::count(kLocalTypes, static_cast<std::uint32_t>(fs.f_type)) > 0;
}

}  // namespace rb
