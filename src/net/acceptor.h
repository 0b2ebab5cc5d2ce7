// Takes connections from one listening socket, and knows how each kind becomes a Connection.
#pragma once

#include <functional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "net/byte_stream.h"
#include "net/listening_socket.h"
#include "net/server_core.h"
#include "net/tls_context.h"

namespace rb::net {

// I/O thread only.
class Acceptor {
 public:
  // What becomes of a connection that has come.
  using Welcome = std::function<void(std::unique_ptr<ByteStream>, api::Peer)>;

  Acceptor(ServerCore& core, ListeningSocket socket, Welcome welcome);

  // Until close().
  boost::asio::awaitable<void> run();
  // New connections use it, those that there are keep theirs.
  void use(std::shared_ptr<const TlsContext> context) { context_ = std::move(context); }
  void close();

 private:
  // Errors are those of errno; 0: taken, EAGAIN: there is none.
  int accept_one();
  void greet(int fd);

  ServerCore& core_;
  const bool is_tcp_;
  const std::optional<UnixListener> removes_;
  boost::asio::posix::stream_descriptor descriptor_;
  const Welcome welcome_;
  std::shared_ptr<const TlsContext> context_;
};

}  // namespace rb::net
