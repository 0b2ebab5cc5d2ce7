// Sockets that are connected to a server. Errors: unavailable, with the errno that says why nothing came
// about; cancelled; denied.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "net/client_wait.h"
#include "net/tcp_socket.h"

namespace rb::net {

// Denied where the socket is neither root's, nor the caller's, nor `owner`'s: whoever made a socket at our
// server's path would get our files.
Result<UniqueFd> connect_to_unix(const std::string& path, std::optional<std::uint32_t> owner,
                                 ClientWait& wait, ClientWait::TimePoint by);

// Tries the addresses of the name one after the other, each for its share of the time that is left.
Result<UniqueFd> connect_to_tcp(const HostPort& where, ClientWait& wait, ClientWait::TimePoint by);

}  // namespace rb::net
