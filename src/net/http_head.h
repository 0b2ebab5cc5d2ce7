// The head of an HTTP/1.1 request, from bytes to a value; and of a request or an answer, from a value to
// bytes. Pure functions; the parser is Boost.Beast's, which is not seen outside. What is ambiguous is
// refused: two readers of one connection that disagree about where a request ends is how requests are
// smuggled.
#pragma once

#include <optional>

#include "api/service.h"

namespace rb::net {

// A head that is longer is refused with 431.
inline constexpr std::size_t kMaxHeadBytes = 16 << 10;

struct RequestHead {
  api::Request request;  // without its body
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  bool expects_continue = false;
};

// How many bytes the head takes that begins at `bytes`, its empty line included; nothing while that has not
// come.
std::optional<std::size_t> find_head_end(ByteView bytes);

// `head` is what find_head_end found. The other result is the answer that refuses it; the connection ends
// after it.
std::expected<RequestHead, api::Response> parse_head(ByteView head);

enum class BodyFraming : std::uint8_t { sized, chunked };
enum class ConnectionFate : std::uint8_t { keep, close };

// Request line and header fields, with the empty line. `authorization` is left out where it is empty.
std::string encode_request_head(const api::Request& request, const std::string& host,
                                const std::string& authorization, std::uint64_t body_bytes);

// Status line and header fields, with the empty line. A sized answer says its body's length.
std::string encode_answer_head(const api::Response& response, BodyFraming framing, ConnectionFate fate);

}  // namespace rb::net
