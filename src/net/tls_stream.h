// ByteStream over TLS: OpenSSL directly on the non-blocking socket. asio::ssl::stream keeps 34 KiB of buffers
// a connection whether anything comes or not; here a connection that waits holds OpenSSL's state and no
// buffer.
#pragma once

#include <memory>

#include <boost/asio/generic/stream_protocol.hpp>

#include "net/byte_stream.h"
#include "net/tls_context.h"

namespace rb::net {

// The server's end. Who connects and says nothing costs not even OpenSSL's state.
std::unique_ptr<ByteStream> make_tls_stream(boost::asio::generic::stream_protocol::socket socket,
                                            std::shared_ptr<const TlsContext> context);

}  // namespace rb::net
