// A Store that speaks the protocol (docs/protocol.md) over HTTP, on threads of its own, with a
// bounded window of blocks under way. Repeats what is safe to repeat, with backoff and jitter, for as long as
// `patience`; then Errc::unavailable.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/join_link.h"
#include "store/store.h"

namespace rb::net {

struct RemoteOptions {
  std::string socket_path;               // Unix socket of the server, or
  std::string address;                   // HOST:PORT, over TLS 1.3, with
  std::vector<api::KeyPin> pins;         // ... the keys it may have, at least one, and
  std::optional<Credential> credential;  // ... who we are
  // The server will have this key some day: to be stored, and trusted then. From any thread.
  std::function<void(const api::KeyPin&)> on_next_key;
  int connections = 2;                        // for blocks
  std::size_t window_bytes = 16 << 20;        // of blocks not yet acknowledged
  std::uint64_t bytes_per_second = 0;         // of bodies, over all connections; 0: no limit
  std::chrono::milliseconds patience{60000};  // without any answer, before giving up
  std::chrono::milliseconds stall{300000};    // without a byte either way, before a connection is given up
  std::function<void(const std::string&)>
      on_notice;  // "the server does not answer, trying again", from any thread
  // Who may run the server at socket_path, beside root and the caller. Errc::denied for anybody else.
  std::optional<std::uint32_t> socket_owner;
};

// For a server across a network. While an acknowledgement travels, a connection stands still: with four of
// them the others use the line (measured with 100 ms and 1% loss: 0.86 of what the line carries, 0.76 with
// two).
inline constexpr int kNetworkConnections = 4;
inline constexpr std::size_t kNetworkWindowBytes = 32 << 20;

// Contacts nobody yet. A first begin() where no server listens fails at once with Errc::unavailable; where
// one has answered before, and has gone, calls wait for it as long as patience lasts.
std::unique_ptr<Store> make_remote_store(RemoteOptions options);

}  // namespace rb::net
