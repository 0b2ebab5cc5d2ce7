// Asking a server which key it has.
#pragma once

#include <string>

#include "api/join_link.h"
#include "base/error.h"

namespace rb::net {

// Whether the server at `address` (HOST:PORT) has this key: one handshake and one request that anybody may
// make, without our credential. An error says that it could not be found out.
Result<bool> server_has_key(const std::string& address, const api::KeyPin& pin);

}  // namespace rb::net
