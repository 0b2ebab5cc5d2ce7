// Directories that a backup leaves out for what they are, whatever they are called.
#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/unique_fd.h"
#include "format/repository_format.h"
#include "scan/excludes.h"

namespace rb {

namespace {

// Whether the regular file `name` begins with `magic`. Nothing else is opened: opening a device may do
// something.
bool file_begins_with(int directory, const char* name, std::string_view magic) {
  struct stat st;
  if (::fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode)) return false;
  const UniqueFd fd(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return false;
  std::array<char, 64> begin;
  const ssize_t n = ::pread(fd.get(), begin.data(), std::min(magic.size(), begin.size()), 0);
  return n >= 0 && std::string_view(begin.data(), static_cast<std::size_t>(n)) == magic;
}

// File systems whose contents the kernel makes up. From linux/magic.h where it names them (not all versions
// do).
constexpr std::array<std::uint32_t, 28> kPseudoTypes = {
    0x9fa0,      // proc
    0x62656572,  // sysfs
    0x27e0eb,    // cgroup
    0x63677270,  // cgroup2
    0x64626720,  // debugfs
    0x74726163,  // tracefs
    0x73636673,  // securityfs
    0x6165676c,  // pstore
    0xcafe4a11,  // bpf
    0xde5e81e4,  // efivarfs
    0x62656570,  // configfs
    0x1cd1,      // devpts
    0x19800202,  // mqueue
    0x958458f6,  // hugetlbfs
    0x42494e4d,  // binfmt_misc
    0x0187,      // autofs: what is mounted on it is not
    0x65735543,  // fusectl
    0xf97cff8c,  // selinuxfs
    0x43415d53,  // smackfs
    0x5a3c69f0,  // apparmorfs
    0x6e736673,  // nsfs
    0x50494446,  // pidfs
    0x67596969,  // rpc_pipefs
    0x6e667364,  // nfsd
    0x07655821,  // resctrl
    0xabba1974,  // xenfs
    0x6c6f6f70,  // binder
    0x9fa2,      // usbdevfs
};

}  // namespace

bool is_tagged_cache(int directory_fd) {
  return file_begins_with(directory_fd, "CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
}

bool is_repository(int directory_fd) {
  return file_begins_with(directory_fd, kRepositoryMarkerName, kRepositoryMarkerMagic);
}

bool is_pseudo_file_system(int directory_fd) {
  struct statfs fs;
  while (::fstatfs(directory_fd, &fs) != 0) {
    if (errno != EINTR) return false;
  }
  return std::find(kPseudoTypes.begin(), kPseudoTypes.end(), static_cast<std::uint32_t>(fs.f_type)) !=
         kPseudoTypes.end();
}

}  // namespace rb
