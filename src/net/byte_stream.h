// A connection's two directions, whatever carries them: a Unix socket, or TLS on TCP. Erased, because every
// function template of Asio and Beast that is instantiated per kind of stream costs seconds of compiling and
// megabytes of code, and nothing is lost: one virtual call per system call.
#pragma once

#include <span>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

#include "base/bytes.h"

namespace rb::net {

struct Transfer {
  boost::system::error_code error;
  std::size_t bytes = 0;
};

// Used on the I/O thread only; one read and one write at a time.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // What comes before the first byte of either direction; the bytes of the result mean nothing.
  virtual boost::asio::awaitable<Transfer> handshake() = 0;
  // Until there is something to read, or an end: whoever waits long waits here, without a buffer.
  virtual boost::asio::awaitable<Transfer> wait_readable() = 0;
  // At least one byte, unless there is an error (an end of the stream is one).
  virtual boost::asio::awaitable<Transfer> read_some(std::span<std::uint8_t> into) = 0;
  virtual boost::asio::awaitable<Transfer> write_all(std::span<const boost::asio::const_buffer> from) = 0;
  // Says that nothing more will be written. Only while no write is under way.
  virtual void end_writing() = 0;
  // Ends reads and writes under way with an error. May be called more than once.
  virtual void close() = 0;
};

}  // namespace rb::net
