// Stands between a client and a server on Unix sockets, and cuts each connection after as many bytes as it is
// told.
#pragma once

#include <poll.h>

#include "support/raw_socket.h"

namespace rb::test {

class CuttingProxy {
 public:
  // How many bytes the n-th connection may carry, both ways together; negative: as many as it likes.
  using Allowance = std::function<long(int connection_number)>;

  CuttingProxy(const std::string& path, const std::string& server_path, Allowance allowance)
      : server_path_(server_path),
        allowance_(std::move(allowance)),
        server_(path, [this](int fd, int number) { carry(fd, allowance_(number)); }) {}

  int connections() const { return server_.connections(); }

 private:
  void carry(int client, long allowed) const {
    const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = unix_address(server_path_);
    if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
    for (;;) {
      pollfd ends[2] = {{client, POLLIN, 0}, {server.get(), POLLIN, 0}};
      if (::poll(ends, 2, 10000) <= 0) return;
      for (int side = 0; side < 2; side++) {
        if (ends[side].revents == 0) continue;
        const std::size_t room =
            allowed < 0 ? 65536 : std::min<std::size_t>(65536, static_cast<std::size_t>(allowed));
        if (room == 0) return;
        const std::string piece = receive_some(ends[side].fd, room);
        if (piece.empty() || !send_all(ends[1 - side].fd, piece)) return;
        if (allowed >= 0) allowed -= static_cast<long>(piece.size());
        if (allowed == 0) return;
      }
    }
  }

  const std::string server_path_;
  const Allowance allowance_;
  ScriptedServer server_;
};

}  // namespace rb::test
