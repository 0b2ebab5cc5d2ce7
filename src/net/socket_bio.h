// OpenSSL's way to a socket: recv and send with MSG_NOSIGNAL. OpenSSL's own socket BIO writes without it, and
// a peer that has gone would end the process by SIGPIPE.
//
// What is written is gathered, and sent by BIO_flush() or when there is enough of it: OpenSSL writes each
// record of 16 KiB by itself, and a system call for each, with the segments and acknowledgements that it
// leads to, costs TCP twice as much as one for many (0.6 core-seconds a GB on the loopback device, and 0.3).
#pragma once

#include "net/openssl_handles.h"

namespace rb::net {

// Does not own the descriptor, which must be non-blocking. Between a flush and the next write it has no
// memory for what it gathers.
OpensslPtr<BIO> make_socket_bio(int fd, std::size_t gather_bytes);

}  // namespace rb::net
