#include "net/unix_listener.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace rb::net {

namespace {

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(Errc::invalid_argument, fmt::format("'{}' can't be a socket's path: it has 1 to {} bytes",
                                                    path, sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Result<UniqueFd> make_socket() {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("making a socket", errno);
  return fd;
}

// Removes the socket a server left behind that is no more.
Status remove_stale(const std::string& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return fail_errno(fmt::format("looking at {}", path), errno);
  if (!S_ISSOCK(found.st_mode)) return fail(Errc::denied, fmt::format("{} exists and is no socket", path));
  RB_TRY(const UniqueFd probe, make_socket());
  if (::connect(probe.get(), generic(address), sizeof address) == 0) {
    return fail(Errc::denied, fmt::format("another server answers at {}", path));
  }
  if (errno != ECONNREFUSED) return fail_errno(fmt::format("asking who listens at {}", path), errno);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno(fmt::format("removing {}", path), errno);
  return {};
}

}  // namespace

Result<UnixListener> UnixListener::open(const std::string& path) {
  RB_TRY(const sockaddr_un address, address_of(path));
  RB_TRY(UniqueFd fd, make_socket());
  int bound = ::bind(fd.get(), generic(address), sizeof address);
  if (bound != 0 && errno == EADDRINUSE) {
    RB_TRY(remove_stale(path, address));
    bound = ::bind(fd.get(), generic(address), sizeof address);
  }
  if (bound != 0) return fail_errno(fmt::format("binding {}", path), errno);
  struct stat made {};
  if (::chmod(path.c_str(), 0666) != 0)
    return fail_errno(fmt::format("opening {} to all users", path), errno);
  if (::lstat(path.c_str(), &made) != 0) return fail_errno(fmt::format("looking at {}", path), errno);
  if (::listen(fd.get(), SOMAXCONN) != 0) return fail_errno(fmt::format("listening at {}", path), errno);
  return UnixListener(std::move(fd), path, made.st_dev, made.st_ino);
}

UnixListener::~UnixListener() {
  if (path_.empty()) return;
  struct stat now {};
  const bool is_ours = ::lstat(path_.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_;
  if (is_ours) ::unlink(path_.c_str());
}

}  // namespace rb::net
