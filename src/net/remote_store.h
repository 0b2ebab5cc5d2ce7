// A Store that speaks the protocol (docs/protocol.md) over HTTP: libcurl, on threads of its own, with a
// bounded window of blocks under way. Repeats what is safe to repeat, with backoff and jitter, for as long as
// `patience`; then Errc::unavailable.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "store/store.h"

namespace rb::net {

struct RemoteOptions {
  std::string socket_path;                    // Unix socket of the server
  int connections = 2;                        // for blocks
  std::size_t window_bytes = 16 << 20;        // of blocks not yet acknowledged
  std::chrono::milliseconds patience{60000};  // without any answer, before giving up
  std::chrono::milliseconds stall{300000};    // without a byte either way, before a connection is given up
  std::function<void(const std::string&)>
      on_notice;  // "the server does not answer, trying again", from any thread
};

// Contacts nobody yet. A first begin() where no server listens fails at once with Errc::unavailable; where
// one has answered before, and has gone, calls wait for it as long as patience lasts.
std::unique_ptr<Store> make_remote_store(RemoteOptions options);

}  // namespace rb::net
