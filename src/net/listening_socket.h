// Where a server listens: sockets it made, or was given by who started it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/service.h"
#include "base/unique_fd.h"
#include "net/server.h"
#include "net/unix_listener.h"

namespace rb::net {

struct ListeningSocket {
  UniqueFd fd;  // non-blocking
  bool is_tcp = false;
  std::string address;                  // of TCP: ADDR:PORT
  std::optional<UnixListener> removes;  // the file of a socket that was made here
};

// All that the options name, or the first that can't be had. Takes the inherited descriptors.
Result<std::vector<ListeningSocket>> open_listening_sockets(const ServerOptions& options);

// Who is at the other end of a connection that was accepted.
Result<api::Peer> peer_of_unix(int fd);
Result<api::Peer> peer_of_tcp(int fd);

}  // namespace rb::net
