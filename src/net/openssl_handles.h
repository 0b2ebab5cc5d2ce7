// Owners for OpenSSL's objects, and its error queue as our Error. For sources, not for headers that others
// include: OpenSSL's headers are large.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/error.h"

namespace rb::net {

struct OpensslFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};

template <typename T>
using OpensslPtr = std::unique_ptr<T, OpensslFree>;

// The reason on top of this thread's error queue, which is empty afterwards.
inline std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string text = reason ? reason : "unknown reason";
  ERR_clear_error();
  return text;
}

inline std::unexpected<Error> fail_openssl(Errc code, std::string_view doing) {
  return fail(code, std::string(doing) + ": " + openssl_reason());
}

}  // namespace rb::net
