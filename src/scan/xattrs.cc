#include "scan/xattrs.h"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/unique_fd.h"

namespace rb {

namespace {

// The kernel's XATTR_LIST_MAX and XATTR_SIZE_MAX.
constexpr std::size_t kBufferBytes = 65536;
// The kernel takes memory of its own for as much as it is offered, which for 64 KiB costs more than the
// looking. Most lists and values fit this.
constexpr std::size_t kFirstBytes = 256;

char* list_buffer() {
  thread_local const std::unique_ptr<char[]> buffer(new char[kBufferBytes]);
  return buffer.get();
}
char* value_buffer() {
  thread_local const std::unique_ptr<char[]> buffer(new char[kBufferBytes]);
  return buffer.get();
}

// Where to read them from. There is no llistxattrat() before Linux 6.13, but /proc/self/fd/<directory>/<name>
// means the same, at any depth, for symlinks and devices too. Without /proc a file or directory is opened
// instead.
class XattrSource {
 public:
  static Result<XattrSource> make(int directory, const char* name, EntryType type) {
    static const bool have_proc = ::access("/proc/self/fd", X_OK) == 0;
    XattrSource out;
    if (have_proc && *name != '\0') {
      out.path_ = fmt::format("/proc/self/fd/{}/{}", directory, name);
    } else if (*name == '\0') {
      out.fd_ = directory;
    } else if (type == EntryType::file || type == EntryType::directory) {
      out.owned_ = UniqueFd(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      if (!out.owned_) return fail_errno("reading its extended attributes", errno);
      out.fd_ = out.owned_.get();
    }
    return out;
  }

  bool usable() const { return fd_ >= 0 || !path_.empty(); }
  // Both: at most kBufferBytes.
  ssize_t list(char* to) const {
    return in_growing([&](std::size_t size) {
      return fd_ >= 0 ? ::flistxattr(fd_, to, size) : ::llistxattr(path_.c_str(), to, size);
    });
  }
  ssize_t get(const char* name, char* to) const {
    return in_growing([&](std::size_t size) {
      return fd_ >= 0 ? ::fgetxattr(fd_, name, to, size) : ::lgetxattr(path_.c_str(), name, to, size);
    });
  }

 private:
  template <typename Call>
  static ssize_t in_growing(const Call& call) {
    const ssize_t got = call(kFirstBytes);
    return got < 0 && errno == ERANGE ? call(kBufferBytes) : got;
  }

  std::string path_;
  UniqueFd owned_;
  int fd_ = -1;
};

bool has_none_or_refuses(int error) {
  return error == ENOTSUP || error == ENOSYS || error == EPERM || error == EACCES || error == E2BIG ||
         error == ERANGE || error == EINVAL;
}

// Removed between the two calls, not for us, or longer than a value can be.
bool is_left_out(int error) {
  return error == ENODATA || has_none_or_refuses(error);
}

Result<Xattr> make_xattr(std::string_view name, ByteView value, const LargeXattrSink& large_xattr) {
  Xattr out;
  out.name = name;
  if (value.size() > kInlineXattrBytes) {
    RB_TRY(out.chunk, large_xattr(value));
  } else {
    out.value.assign(value.begin(), value.end());
  }
  return out;
}

}  // namespace

Result<std::vector<Xattr>> read_xattrs(int directory, const char* name, EntryType type,
                                       const LargeXattrSink& large_xattr) {
  std::vector<Xattr> out;
  RB_TRY(const XattrSource source, XattrSource::make(directory, name, type));
  if (!source.usable()) return out;
  char* const names = list_buffer();
  const ssize_t listed = source.list(names);
  if (listed < 0 && has_none_or_refuses(errno)) return out;
  if (listed < 0) return fail_errno("reading its extended attributes", errno);

  const std::string_view all(names, static_cast<std::size_t>(listed));
  for (std::size_t at = 0; at < all.size();) {
    const std::string_view one = all.substr(at, all.find('\0', at) - at);
    at += one.size() + 1;
    if (one.empty() || one.size() > kMaxXattrNameBytes) continue;
    const ssize_t got = source.get(one.data(), value_buffer());
    if (got < 0 && is_left_out(errno)) continue;
    if (got < 0) return fail_errno(fmt::format("reading its extended attribute {}", one), errno);
    const ByteView value = as_bytes({value_buffer(), static_cast<std::size_t>(got)});
    RB_TRY(Xattr xattr, make_xattr(one, value, large_xattr));
    out.push_back(std::move(xattr));
  }
  std::sort(out.begin(), out.end(), [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
  const auto same = [](const Xattr& a, const Xattr& b) { return a.name == b.name; };
  out.erase(std::unique(out.begin(), out.end(), same), out.end());
  return out;
}

}  // namespace rb
