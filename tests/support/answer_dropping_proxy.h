// Stands between a client and a server on Unix sockets, and loses the answers to some requests: the server
// has done what it was asked, and the client never hears of it.
#pragma once

#include <poll.h>

#include "support/raw_socket.h"

namespace rb::test {

class AnswerDroppingProxy {
 public:
  // Loses the answers to the first `times` requests whose head contains `needle`; `on_drop` is called when
  // the answer has come, before the client can notice that it won't.
  AnswerDroppingProxy(const std::string& path, std::string server_path, std::string needle, int times,
                      std::function<void()> on_drop = {})
      : server_path_(std::move(server_path)),
        needle_(std::move(needle)),
        on_drop_(std::move(on_drop)),
        left_(times),
        server_(path, [this](int fd, int) { carry(fd); }) {}

  int dropped() const { return dropped_; }

 private:
  void carry(int client) {
    const UniqueFd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = unix_address(server_path_);
    if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return;
    bool drops = false;
    for (;;) {
      pollfd ends[2] = {{client, POLLIN, 0}, {server.get(), POLLIN, 0}};
      if (::poll(ends, 2, 60000) <= 0) return;
      for (int side = 0; side < 2; side++) {
        if (ends[side].revents == 0) continue;
        const std::string piece = receive_some(ends[side].fd);
        if (piece.empty()) return;
        // A head comes as a whole: the client writes it at once, and only when the last answer is there.
        if (side == 0 && piece.find(needle_) != std::string::npos) drops = left_.fetch_sub(1) > 0;
        if (side == 1 && drops) {
          if (on_drop_) on_drop_();
          ++dropped_;
          return;
        }
        if (!send_all(ends[1 - side].fd, piece)) return;
      }
    }
  }

  const std::string server_path_, needle_;
  const std::function<void()> on_drop_;
  std::atomic<int> left_, dropped_{0};
  ScriptedServer server_;
};

}  // namespace rb::test
