// TCP on Linux: addresses as text, listening, and the settings that make a peer noticed that has gone. No
// Asio; used by both ends.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace rb::net {

struct HostPort {
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
  bool operator==(const HostPort&) const = default;
};

// "HOST:PORT" or "[ADDR]:PORT".
Result<HostPort> parse_host_port(const std::string& text);
std::string to_text(const HostPort& where);

// Non-blocking sockets that listen at "ADDR:PORT": one, or one each where a name has several addresses. An
// empty host or "*" is every address of the machine, of both kinds. An IPv6 socket takes IPv6 only, so that
// "0.0.0.0:PORT" and "[::]:PORT" can stand side by side.
Result<std::vector<UniqueFd>> listen_on_tcp(const std::string& address);

// "192.0.2.7:8443" or "[2001:db8::7]:8443".
Result<std::string> local_address(int fd);
// The peer's, without its port: "192.0.2.7". An IPv4 address in IPv6's clothes is shown as what it is.
Result<std::string> peer_host(int fd);

// No delay for small pieces; probes where nothing moves, from 15 s on; a connection that nobody acknowledges
// anything on is given up. `unacknowledged` also counts while the peer takes nothing (its window is closed),
// so it must be longer than a peer may pause.
void tune_tcp(int fd, std::chrono::milliseconds unacknowledged);
// How long ago the peer's last word came (data or acknowledgement, probes included); zero when unknown.
std::chrono::milliseconds silence_of_tcp_peer(int fd);

}  // namespace rb::net
