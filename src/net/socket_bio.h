// OpenSSL's way to a socket: recv and send with MSG_NOSIGNAL. OpenSSL's own socket BIO writes without it, and
// a peer that has gone would end the process by SIGPIPE.
#pragma once

#include "net/openssl_handles.h"

namespace rb::net {

// Does not own the descriptor, which must be non-blocking.
OpensslPtr<BIO> make_socket_bio(int fd);

}  // namespace rb::net
