// A client's end of a connection, whatever carries it: a Unix socket, or TLS on TCP. Never waits: who uses it
// does, between attempts (net/client_wait.h). Not thread-safe.
#pragma once

#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/error.h"
#include "base/unique_fd.h"

namespace rb::net {

// What an attempt to move bytes came to. Neither bytes nor anything to wait for: of a read, the peer has
// ended; of a flush, all is sent.
struct Step {
  std::size_t bytes = 0;
  short wait_for = 0;  // the event of poll() that is needed first
};

class ClientStream {
 public:
  virtual ~ClientStream() = default;
  virtual int fd() const = 0;
  virtual Result<Step> try_read(std::span<std::uint8_t> into) = 0;
  // Requires: `from` is not empty; after a step that wants to wait, it begins with the same bytes.
  virtual Result<Step> try_write(ByteView from) = 0;
  // Sends what try_write() took and kept.
  virtual Result<Step> try_flush() = 0;
};

// Takes a connected, non-blocking socket.
std::unique_ptr<ClientStream> make_plain_client_stream(UniqueFd fd);

}  // namespace rb::net
