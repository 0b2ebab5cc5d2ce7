// ByteStream over a connected Unix socket.
#pragma once

#include <memory>

#include <boost/asio/local/stream_protocol.hpp>

#include "net/byte_stream.h"

namespace rb::net {

std::unique_ptr<ByteStream> make_unix_stream(boost::asio::local::stream_protocol::socket socket);

}  // namespace rb::net
