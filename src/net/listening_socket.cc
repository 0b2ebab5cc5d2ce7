#include "net/listening_socket.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "api/service.h"
#include "net/tcp_socket.h"

namespace rb::net {

namespace {

Result<int> number_of(int fd, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(fd, SOL_SOCKET, option, &value, &size) != 0)
    return fail_errno(fmt::format("descriptor {} was handed over to listen on", fd), errno);
  return value;
}

Status make_non_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    return fail_errno("setting up a listening socket", errno);
  return {};
}

Result<ListeningSocket> tcp_socket(UniqueFd fd) {
  ListeningSocket out;
  RB_TRY(out.address, local_address(fd.get()));
  out.fd = std::move(fd);
  out.is_tcp = true;
  return out;
}

Result<ListeningSocket> inherited_socket(int number) {
  RB_TRY(const int listens, number_of(number, SO_ACCEPTCONN));
  RB_TRY(const int domain, number_of(number, SO_DOMAIN));
  RB_TRY(const int type, number_of(number, SO_TYPE));
  UniqueFd fd(number);
  if (listens == 0 || type != SOCK_STREAM)
    return fail(Errc::invalid_argument, fmt::format("descriptor {} is no listening stream socket", number));
  RB_TRY(make_non_blocking(number));
  if (domain != AF_UNIX) return tcp_socket(std::move(fd));
  ListeningSocket out;
  out.fd = std::move(fd);
  return out;
}

Result<ListeningSocket> unix_socket(const std::string& path) {
  RB_TRY(UnixListener listener, UnixListener::open(path));
  ListeningSocket out;
  out.fd = UniqueFd(listener.release_fd());
  RB_TRY(make_non_blocking(out.fd.get()));
  out.removes.emplace(std::move(listener));
  return out;
}

}  // namespace

Result<std::vector<ListeningSocket>> open_listening_sockets(const ServerOptions& options) {
  std::vector<ListeningSocket> out;
  for (const int fd : options.inherited) {
    RB_TRY(ListeningSocket socket, inherited_socket(fd));
    out.push_back(std::move(socket));
  }
  if (!options.socket_path.empty()) {
    RB_TRY(ListeningSocket socket, unix_socket(options.socket_path));
    out.push_back(std::move(socket));
  }
  for (const std::string& address : options.listen) {
    RB_TRY(std::vector<UniqueFd> sockets, listen_on_tcp(address));
    for (UniqueFd& fd : sockets) {
      RB_TRY(ListeningSocket socket, tcp_socket(std::move(fd)));
      out.push_back(std::move(socket));
    }
  }
  if (out.empty()) return fail(Errc::invalid_argument, "the server is to listen nowhere");
  return out;
}

Result<api::Peer> peer_of_unix(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return fail_errno("asking who connects", errno);
  }
  api::Peer peer;
  peer.uid = credentials.uid;
  peer.address = fmt::format("unix, pid {}", credentials.pid);
  return peer;
}

Result<api::Peer> peer_of_tcp(int fd) {
  api::Peer peer;
  peer.local = false;
  RB_TRY(peer.address, peer_host(fd));
  return peer;
}

}  // namespace rb::net
