// Errors on the wire: an HTTP status for everybody, and for programs a body {"error":{"code","message"}}
// whose code is the name of an Errc. Programs decide by the code; the status alone decides only where a body
// is missing.
#pragma once

#include <string>

#include "api/service.h"
#include "base/error.h"

namespace rb::api {

int http_status(Errc code);
std::string_view reason_phrase(int status);

// An answer that says what went wrong. The second form is for refusals that HTTP has a status of its own for.
Response error_response(const Error& error);
Response error_response(int status, const Error& error);

// What a peer's error answer says. A foreign or damaged body gives an Error that follows the status.
Error decode_error(int status, ByteView body);

// An answer that fails after its head went out ends with this trailer field (docs/protocol.md, "read").
inline constexpr std::string_view kErrorTrailer = "rb-error";
std::string encode_error_trailer(const Error& error);
Error decode_error_trailer(std::string_view value);

}  // namespace rb::api
