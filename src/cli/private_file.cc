#include "cli/private_file.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/file_system.h"

namespace rb::cli {

namespace {

Result<UniqueFd> open_existing(const std::string& path) {
  // O_NONBLOCK: a FIFO in this place must not hang us before we see what it is.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return fail_errno(fmt::format("opening {}", path), errno);
  return fd;
}

Status check_private(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return fail_errno(fmt::format("looking at {}", path), errno);
  if (!S_ISREG(info.st_mode)) return fail(Errc::invalid_argument, path + " is no regular file");
  if (info.st_uid != ::geteuid() && info.st_uid != 0) {
    return fail(Errc::invalid_argument,
                fmt::format("{} belongs to uid {}, who could have put anything there", path, info.st_uid));
  }
  if ((info.st_mode & 077) != 0) {
    return fail(Errc::invalid_argument,
                fmt::format("{0} holds a secret and others have access to it (mode {1:04o}): if somebody may "
                            "have read it, join again with a new invitation; else chmod 600 {0}",
                            path, info.st_mode & 07777));
  }
  return {};
}

Status make_private_directory(const std::string& directory) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) == 0) return {};
  const std::string parent = parent_directory(directory);
  if (parent != directory) RB_TRY(make_private_directory(parent));
  const auto files = make_posix_file_system();
  RB_TRY(files->create_directory(directory));
  return files->sync_directory(parent);
}

}  // namespace

Result<std::optional<std::string>> read_private_file(const std::string& path, std::size_t max_bytes) {
  auto fd = open_existing(path);
  if (!fd && fd.error().code == Errc::not_found) return std::optional<std::string>();
  if (!fd) {
    // The caller's own files are meant: not being allowed to read them is no refusal by a server.
    return fail(Errc::invalid_argument, fd.error().message, fd.error().sys_errno);
  }
  RB_TRY(check_private(fd->get(), path));
  std::string content(max_bytes + 1, '\0');
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = ::read(fd->get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(fmt::format("reading {}", path), errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > max_bytes) return fail(Errc::corrupt, fmt::format("{} is longer than it can be", path));
  content.resize(size);
  return std::optional(std::move(content));
}

Status write_private_file(const std::string& path, std::string_view content) {
  RB_TRY(make_private_directory(parent_directory(path)));
  const auto files = make_posix_file_system();
  return write_file_atomically(*files, path, as_bytes(content));
}

Result<UniqueFd> lock_directory(const std::string& directory, const std::string& name) {
  RB_TRY(make_private_directory(directory));
  const std::string path = directory + "/" + name;
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno(fmt::format("opening {}", path), errno);
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail_errno(fmt::format("locking {}", path), errno);
  }
  return fd;
}

}  // namespace rb::cli
