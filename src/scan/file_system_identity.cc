// What a file system is called across reboots.
//
// f_fsid is made from the UUID by ext4, btrfs, tmpfs (a random one per mount), overlayfs and others: stable,
// taken as it is. XFS, FAT and more put the number of the block device there, which the next boot may give to
// another disk; NFS and FUSE put nothing there. For those the source of the mount (/dev/mapper/home,
// server:/export) says more.
#include <cstdio>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/hash.h"
#include "scan/metadata.h"

namespace rb {

namespace {

std::uint64_t fsid_of(const struct statfs& fs) {
  std::uint64_t id;
  static_assert(sizeof id == sizeof fs.f_fsid);
  std::memcpy(&id, &fs.f_fsid, sizeof id);
  return id;
}

// The kernel's huge_encode_dev().
std::uint64_t encoded_device(dev_t device) {
  const std::uint64_t major = gnu_dev_major(device), minor = gnu_dev_minor(device);
  return (minor & 0xff) | major << 8 | (minor & ~0xffull) << 12;
}

// Type and source of the mount of that device, as /proc/self/mountinfo writes them; "" where it says nothing.
std::string mount_source(dev_t device) {
  const std::string wanted = fmt::format("{}:{}", gnu_dev_major(device), gnu_dev_minor(device));
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    // "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    if (line.compare(second + 1, wanted.size() + 1, wanted + " ") != 0) continue;
    const std::size_t dash = line.find(" - ", second);
    if (dash == std::string::npos) continue;
    const std::size_t type_end = line.find(' ', dash + 3);
    return line.substr(dash + 3, line.find(' ', type_end + 1) - (dash + 3));
  }
  return "";
}

std::uint64_t hash_of(const std::string& text) {
  const Digest digest = hash(as_bytes(text));
  std::uint64_t out;
  std::memcpy(&out, digest.bytes.data(), sizeof out);
  return out;
}

}  // namespace

std::uint64_t file_system_identity(int fd) {
  struct statfs fs {};
  struct stat st {};
  if (::fstatfs(fd, &fs) != 0 || ::fstat(fd, &st) != 0) return 0;
  const std::uint64_t fsid = fsid_of(fs);
  const auto type = static_cast<std::uint32_t>(fs.f_type);
  if (fsid != 0 && fsid != encoded_device(st.st_dev))
    return hash_of(fmt::format("fsid {:x} {:x}", type, fsid));
  const std::string source = mount_source(st.st_dev);
  if (!source.empty()) return hash_of(fmt::format("mount {:x} {}", type, source));
  return hash_of(fmt::format("type {:x} {:x}", type, fsid));
}

}  // namespace rb
