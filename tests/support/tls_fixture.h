// A server that speaks TLS on a port of its own, before nodes with credentials and stores in memory; and a
// client at the level of TLS records for what our own would never do.
#pragma once

#include "api/join_link.h"
#include "net/openssl_handles.h"
#include "net/remote_store.h"
#include "net/server.h"
#include "net/socket_bio.h"
#include "net/tls_identity.h"
#include "support/fake_registry.h"
#include "support/raw_socket.h"
#include "support/temp_directory.h"

namespace rb::test {

class TlsServed {
 public:
  explicit TlsServed(net::ServerOptions options = {}, api::Backend* instead = nullptr)
      : service(instead ? *instead : backend, clock, {}), options_(std::move(options)) {
    const Status made = net::ensure_tls_identity(directory.path());
    EXPECT_TRUE(made) << made.error().message;
    options_.listen = {"127.0.0.1:0"};
    options_.tls = net::tls_files_in(directory.path());
    start();
  }

  void start() {
    auto started = net::Server::start(service, options_);
    ASSERT_TRUE(started) << started.error().message;
    server = std::move(*started);
    ASSERT_EQ(server->addresses().size(), 1u);
    options_.listen = server->addresses();  // the same again when it is started again
  }
  void stop(std::chrono::milliseconds grace = std::chrono::seconds(5)) {
    server->stop(grace);
    server.reset();
  }

  std::string address() const { return options_.listen.front(); }
  std::uint16_t port() const {
    return static_cast<std::uint16_t>(std::stoi(address().substr(address().rfind(':') + 1)));
  }
  api::KeyPin pin() const {
    const auto pin = net::pin_of_certificate(directory / "cert.pem");
    EXPECT_TRUE(pin);
    return pin ? *pin : api::KeyPin();
  }
  // As a node that has joined.
  net::RemoteOptions remote(const Credential& credential) const {
    net::RemoteOptions out;
    out.address = address();
    out.pins = {pin()};
    out.credential = credential;
    return out;
  }

  TempDirectory directory;
  SystemClock clock;
  FakeBackend backend;
  api::Service service;
  std::unique_ptr<net::Server> server;

 private:
  net::ServerOptions options_;
};

// Believes any certificate.
class TlsClient final : public AnswerReader {
 public:
  explicit TlsClient(std::uint16_t port, int max_version = TLS1_3_VERSION)
      : socket_(port), context_(SSL_CTX_new(TLS_client_method())), ssl_(nullptr) {
    const timeval patience{10, 0};
    ::setsockopt(socket_.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    ssl_.reset(SSL_new(context_.get()));
    BIO* const bio = net::make_socket_bio(socket_.fd(), 0).release();
    SSL_set_bio(ssl_.get(), bio, bio);
    connected_ = SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
  }
  bool connected() const { return connected_; }
  std::string cipher() const { return SSL_get_cipher_name(ssl_.get()); }
  int fd() const { return socket_.fd(); }
  bool send(std::string_view text) {
    const bool is_taken =
        text.empty() || SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0;
    return is_taken && BIO_flush(SSL_get_wbio(ssl_.get())) == 1;
  }
  std::string some() override {
    std::string out(65536, '\0');
    const int n = SSL_read(ssl_.get(), out.data(), static_cast<int>(out.size()));
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    ERR_clear_error();
    return out;
  }
  // Whether the stream ended with a goodbye, not with a cut.
  bool said_goodbye() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

 private:
  RawClient socket_;
  net::OpensslPtr<SSL_CTX> context_;
  net::OpensslPtr<SSL> ssl_;
  bool connected_ = false;
};

}  // namespace rb::test
