#include "net/tls_client.h"

#include <algorithm>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>

#include "net/pem_files.h"
#include "net/socket_bio.h"
#include "net/tls_context.h"

namespace rb::net {

namespace {

// A client has few connections, so each may gather more than a server's (net/tls_stream.cc).
constexpr std::size_t kGatherBytes = 512 << 10;

class TlsClientStream final : public ClientStream {
 public:
  TlsClientStream(UniqueFd fd, OpensslPtr<SSL> ssl) : fd_(std::move(fd)), ssl_(std::move(ssl)) {}
  ~TlsClientStream() override {
    if (!is_broken_) (void)SSL_shutdown(ssl_.get());  // so that the server can tell an end from a cut
    ERR_clear_error();
  }

  int fd() const override { return fd_.get(); }

  // As many records as are there.
  Result<Step> try_read(std::span<std::uint8_t> into) override {
    Step step;
    while (step.bytes < into.size()) {
      std::size_t n = 0;
      ERR_clear_error();
      const int result = SSL_read_ex(ssl_.get(), into.data() + step.bytes, into.size() - step.bytes, &n);
      if (result != 1) return step.bytes > 0 ? Result<Step>(step) : obstacle(result, "reading");
      step.bytes += n;
    }
    return step;
  }

  Result<Step> try_write(ByteView from) override {
    Step step;
    ERR_clear_error();
    const int result = SSL_write_ex(ssl_.get(), from.data(), from.size(), &step.bytes);
    return result == 1 ? Result<Step>(step) : obstacle(result, "sending");
  }

  Result<Step> try_flush() override {
    ERR_clear_error();
    if (BIO_flush(SSL_get_wbio(ssl_.get())) == 1) return Step();
    if (BIO_should_retry(SSL_get_wbio(ssl_.get()))) return Step{.wait_for = POLLOUT};
    return broken("sending");
  }

  // False: once more, after waiting for what is asked for.
  Result<bool> try_handshake(Step& step) {
    ERR_clear_error();
    const int result = SSL_connect(ssl_.get());
    if (result == 1) return true;
    RB_TRY(step, obstacle(result, "shaking hands"));
    if (step.wait_for == 0) return broken("the server hung up");
    return false;
  }

 private:
  Result<Step> obstacle(int result, const char* doing) {
    const int saved_errno = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return Step{.wait_for = POLLIN};
      case SSL_ERROR_WANT_WRITE:
        return Step{.wait_for = POLLOUT};
      case SSL_ERROR_ZERO_RETURN:
        return Step();
      default:
        errno = saved_errno;
        return broken(doing);
    }
  }

  std::unexpected<Error> broken(const char* doing) {
    is_broken_ = true;
    const int why = errno;
    const bool is_of_tls = ERR_peek_error() != 0;
    if (is_of_tls) return fail_openssl(Errc::unavailable, doing);
    return fail(Errc::unavailable, fmt::format("{}: the connection broke", doing), why);
  }

  UniqueFd fd_;
  OpensslPtr<SSL> ssl_;
  bool is_broken_ = false;
};

Status set_client_rules(SSL_CTX& context) {
  SSL_CTX_set_mode(&context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(&context, SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_verify(&context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_read_ahead(&context, 1);  // a record's head and body in one system call
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  if (SSL_CTX_set_min_proto_version(&context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(&context, preferred_cipher_suites().c_str()) != 1)
    return fail_openssl(Errc::unsupported, "setting up TLS 1.3");
  return {};
}

bool is_a_name(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) != 1 && host.find(':') == std::string::npos;
}

}  // namespace

Result<std::unique_ptr<TlsClient>> TlsClient::create(std::vector<api::KeyPin> pins) {
  OpensslPtr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail_openssl(Errc::io, "setting up TLS");
  RB_TRY(set_client_rules(*context));
  return std::unique_ptr<TlsClient>(new TlsClient(std::move(context), std::move(pins)));
}

TlsClient::TlsClient(OpensslPtr<SSL_CTX> context, std::vector<api::KeyPin> pins)
    : context_(std::move(context)), pins_(std::move(pins)) {
  SSL_CTX_set_app_data(context_.get(), this);
  SSL_CTX_sess_set_new_cb(context_.get(), &on_new_session);
}

TlsClient::~TlsClient() = default;

Result<std::unique_ptr<ClientStream>> TlsClient::connect(UniqueFd fd, const HostPort& server,
                                                         ClientWait& wait, ClientWait::TimePoint by) {
  OpensslPtr<SSL> owned(SSL_new(context_.get()));
  OpensslPtr<BIO> bio = make_socket_bio(fd.get(), kGatherBytes);
  if (!owned || !bio) return fail_openssl(Errc::io, "setting up TLS");
  SSL& ssl = *owned;
  BIO* const shared = bio.release();
  SSL_set_bio(&ssl, shared, shared);  // takes it once, where both are one
  if (is_a_name(server.host)) (void)SSL_set_tlsext_host_name(&ssl, server.host.c_str());
  resume(ssl);
  auto stream = std::make_unique<TlsClientStream>(std::move(fd), std::move(owned));
  for (Step step;;) {
    RB_TRY(const bool is_done, stream->try_handshake(step));
    if (is_done) break;
    RB_TRY(wait.wait(stream->fd(), step.wait_for, by));
  }
  RB_TRY(check_key(ssl, server));
  return std::unique_ptr<ClientStream>(std::move(stream));
}

// Keeps the reference when it says 1.
int TlsClient::on_new_session(SSL* ssl, SSL_SESSION* session) {
  auto* const self = static_cast<TlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const std::lock_guard lock(self->mutex_);
  self->session_.reset(session);
  return 1;
}

void TlsClient::resume(SSL& ssl) {
  const std::lock_guard lock(mutex_);
  if (session_) (void)SSL_set_session(&ssl, session_.get());
}

// A resumed session has the certificate of the one that it resumes.
Status TlsClient::check_key(SSL& ssl, const HostPort& server) const {
  const OpensslPtr<X509> certificate(SSL_get1_peer_certificate(&ssl));
  if (!certificate) return fail(Errc::denied, fmt::format("the server at {} shows no key", to_text(server)));
  RB_TRY(const api::KeyPin key, pin_of(*certificate));
  if (std::ranges::find(pins_, key) != pins_.end()) return {};
  return fail(Errc::denied,
              fmt::format("the server at {} has another key than the one this machine joined, so nothing was "
                          "sent to it: if the server was really replaced, join again with a new invitation",
                          to_text(server)));
}

}  // namespace rb::net
