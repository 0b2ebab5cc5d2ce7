#include "net/tls_context.h"

#include <fmt/format.h>

#include "net/pem_files.h"
#include "net/server.h"

namespace rb::net {

namespace {

Status use_files(SSL_CTX& context, const TlsFiles& files) {
  RB_TRY(const OpensslPtr<X509> certificate, load_certificate(files.certificate));
  RB_TRY(const OpensslPtr<EVP_PKEY> key, load_private_key(files.key));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return fail(Errc::invalid_argument, fmt::format("the key in {} is not that of the certificate in {}",
                                                    files.key, files.certificate));
  }
  if (SSL_CTX_use_certificate_chain_file(&context, files.certificate.c_str()) != 1)
    return fail_openssl(Errc::invalid_argument, fmt::format("the certificate in {}", files.certificate));
  if (SSL_CTX_use_PrivateKey(&context, key.get()) != 1)
    return fail_openssl(Errc::invalid_argument, fmt::format("the key in {}", files.key));
  return {};
}

Status set_server_rules(SSL_CTX& context) {
  SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(&context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // A record's head and body in one system call. A buffer for several gains nothing: OpenSSL moves what is
  // left in it to the front for each. Connections that wait hold no buffer (SSL_MODE_RELEASE_BUFFERS).
  SSL_CTX_set_read_ahead(&context, 1);
  // One ticket a handshake, sealed with a key of this context: resuming costs the server no memory.
  SSL_CTX_set_num_tickets(&context, 1);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_min_proto_version(&context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(&context, preferred_cipher_suites().c_str()) != 1)
    return fail_openssl(Errc::unsupported, "setting up TLS 1.3");
  return {};
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsFiles& files) {
  OpensslPtr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail_openssl(Errc::io, "setting up TLS");
  RB_TRY(set_server_rules(*context));
  RB_TRY(use_files(*context, files));
  return std::shared_ptr<const TlsContext>(new TlsContext(context.release()));
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

std::string preferred_cipher_suites() {
#if defined(__x86_64__) || defined(__i386__)
  const bool has_aes = __builtin_cpu_supports("aes");
#else
  const bool has_aes = true;  // of what is sold today, most have
#endif
  if (!has_aes) return "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
  return "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
}

}  // namespace rb::net
