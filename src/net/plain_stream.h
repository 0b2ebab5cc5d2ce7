// ByteStream over a connected socket as it is.
#pragma once

#include <memory>

#include <boost/asio/generic/stream_protocol.hpp>

#include "net/byte_stream.h"

namespace rb::net {

std::unique_ptr<ByteStream> make_plain_stream(boost::asio::generic::stream_protocol::socket socket);

}  // namespace rb::net
