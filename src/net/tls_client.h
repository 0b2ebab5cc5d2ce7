// A client's side of TLS 1.3. The pinned key is all the trust there is, and it is checked before the first
// byte of a request: names and dates in a certificate would add nothing to it, and authorities would only add
// somebody else to trust. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/join_link.h"
#include "net/client_stream.h"
#include "net/client_wait.h"
#include "net/openssl_handles.h"
#include "net/tcp_socket.h"

namespace rb::net {

class TlsClient {
 public:
  static Result<std::unique_ptr<TlsClient>> create(std::vector<api::KeyPin> pins);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;

  // Takes a connected, non-blocking socket, and shakes hands until `by`. `host` is told to the server, where
  // it is a name. Errors: unavailable, or denied: the server has none of the keys.
  Result<std::unique_ptr<ClientStream>> connect(UniqueFd fd, const HostPort& server, ClientWait& wait,
                                                ClientWait::TimePoint by);

 private:
  TlsClient(OpensslPtr<SSL_CTX> context, std::vector<api::KeyPin> pins);
  static int on_new_session(SSL* ssl, SSL_SESSION* session);
  void resume(SSL& ssl);
  Status check_key(SSL& ssl, const HostPort& server) const;

  const OpensslPtr<SSL_CTX> context_;
  const std::vector<api::KeyPin> pins_;
  std::mutex mutex_;
  OpensslPtr<SSL_SESSION> session_;  // a further connection needs no signature of the server
};

}  // namespace rb::net
