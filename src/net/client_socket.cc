#include "net/client_socket.h"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace rb::net {

namespace {

using TimePoint = ClientWait::TimePoint;

// What the kernel waits for an acknowledgement. Only where ClientWait's look at the peer fails: this also
// counts while the server takes nothing because it has much to do.
constexpr std::chrono::minutes kKernelPatience{5};
// A server whose backlog is full refuses a non-blocking connection, and nothing says when there is room.
constexpr std::chrono::milliseconds kBacklogPause{10};

std::unexpected<Error> no_connection(int why) {
  return fail(Errc::unavailable, fail_errno("connecting", why).error().message, why);
}

Result<UniqueFd> make_socket(int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("making a socket", errno);
  return fd;
}

Status finish_connecting(int fd, ClientWait& wait, TimePoint by) {
  RB_TRY(wait.wait(fd, POLLOUT, by));
  int why = 0;
  socklen_t size = sizeof why;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0) why = errno;
  return why == 0 ? Status() : no_connection(why);
}

Status connect(int fd, const sockaddr* address, socklen_t size, ClientWait& wait, TimePoint by) {
  while (::connect(fd, address, size) != 0) {
    if (errno == EINPROGRESS || errno == EINTR) return finish_connecting(fd, wait, by);
    if (errno != EAGAIN) return no_connection(errno);
    RB_TRY(wait.pause(kBacklogPause, by));
  }
  return {};
}

Status check_owner(int fd, const std::string& path, std::optional<std::uint32_t> expected) {
  ucred owner{};
  socklen_t size = sizeof owner;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &size) != 0)
    return fail_errno(fmt::format("asking who listens at {}", path), errno);
  if (owner.uid == 0 || owner.uid == ::geteuid() || owner.uid == expected) return {};
  return fail(Errc::denied, fmt::format("the server at {} is run by uid {}, which is neither root nor you: "
                                        "nothing was sent to it",
                                        path, owner.uid));
}

struct AddressesFree {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, AddressesFree>;

Result<Addresses> addresses_of(const HostPort& where) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int problem = ::getaddrinfo(where.host.c_str(), where.port.c_str(), &hints, &list);
  if (problem != 0)
    return fail(Errc::unavailable, fmt::format("can't find {}: {}", where.host, ::gai_strerror(problem)));
  return Addresses(list);
}

int count(const addrinfo* list) {
  int n = 0;
  for (; list != nullptr; list = list->ai_next)
    ++n;
  return n;
}

Result<UniqueFd> connect_to_address(const addrinfo& address, ClientWait& wait, TimePoint by) {
  RB_TRY(UniqueFd fd, make_socket(address.ai_family));
  tune_tcp(fd.get(), kKernelPatience);
  RB_TRY(connect(fd.get(), address.ai_addr, address.ai_addrlen, wait, by));
  return fd;
}

}  // namespace

Result<UniqueFd> connect_to_unix(const std::string& path, std::optional<std::uint32_t> owner,
                                 ClientWait& wait, TimePoint by) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Errc::invalid_argument, fmt::format("the path of the socket is too long: {}", path));
  std::memcpy(address.sun_path, path.data(), path.size());
  RB_TRY(UniqueFd fd, make_socket(AF_UNIX));
  RB_TRY(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address, wait, by));
  RB_TRY(check_owner(fd.get(), path, owner));
  return fd;
}

Result<UniqueFd> connect_to_tcp(const HostPort& where, ClientWait& wait, TimePoint by) {
  RB_TRY(const Addresses found, addresses_of(where));
  Error last(Errc::unavailable, "it has no address");
  int left = count(found.get());
  for (const addrinfo* at = found.get(); at != nullptr; at = at->ai_next, --left) {
    const TimePoint now = std::chrono::steady_clock::now();
    Result<UniqueFd> fd = connect_to_address(*at, wait, now + (by - now) / left);
    if (fd || fd.error().code != Errc::unavailable) return fd;
    last = std::move(fd).error();
  }
  return std::unexpected(last);
}

}  // namespace rb::net
