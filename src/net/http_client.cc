#include "net/http_client.h"

#include <cerrno>

#include <fmt/format.h>

#include "net/client_socket.h"
#include "net/http_connection.h"
#include "net/http_head.h"
#include "net/tls_client.h"

namespace rb::net {

namespace {

// For a connection with its handshake.
constexpr std::chrono::seconds kConnectTime{10};

}  // namespace

HttpClient::HttpClient(HttpTarget target) : target_(std::move(target)), rate_(target_.bytes_per_second) {}
HttpClient::~HttpClient() = default;

Result<api::Response> HttpClient::perform(const Exchange& exchange) {
  const api::Request& request = *exchange.request;
  std::uint64_t body_bytes = request.body.size();
  for (const Bytes& part : exchange.parts)
    body_bytes += part.size();
  const std::string host = target_.socket_path.empty() ? target_.address : "localhost";
  const std::string head = encode_request_head(request, host, target_.authorization, body_bytes);
  Bytes front(head.begin(), head.end());  // with the body, which is short where there are parts
  append(front, request.body);
  std::vector<ByteView> pieces{front};
  pieces.insert(pieces.end(), exchange.parts.begin(), exchange.parts.end());

  ClientWait wait({exchange.stall, exchange.total, target_.lost_after, exchange.cancelled});
  return send(pieces, exchange, wait);
}

Result<api::Response> HttpClient::send(std::span<const ByteView> pieces, const Exchange& exchange,
                                       ClientWait& wait) {
  for (std::unique_ptr<HttpConnection> connection = take_idle();;) {
    const bool was_kept = connection != nullptr;
    if (!was_kept) {
      auto fresh = connect(wait);
      if (!fresh) return std::unexpected(connection_failed(fresh.error(), target_.name()));
      connection = std::move(*fresh);
    }
    Result<api::Response> answer =
        connection->exchange({pieces, &exchange.on_body, &rate_, exchange.cancelled}, wait);
    if (answer) keep(std::move(connection));
    const bool was_dead = !answer && was_kept && !connection->was_answered() &&
                          answer.error().code == Errc::unavailable && answer.error().sys_errno != ETIMEDOUT;
    if (!was_dead) return answer;
    connection.reset();  // a request may be repeated, and the server closes what was quiet for long
  }
}

std::unique_ptr<HttpConnection> HttpClient::take_idle() {
  const std::lock_guard lock(mutex_);
  while (!idle_.empty()) {
    std::unique_ptr<HttpConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (connection->is_alive()) return connection;
  }
  return nullptr;
}

void HttpClient::keep(std::unique_ptr<HttpConnection> connection) {
  if (!connection->is_reusable()) return;
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(connection));
}

Result<std::unique_ptr<HttpConnection>> HttpClient::connect(ClientWait& wait) {
  const auto by = std::chrono::steady_clock::now() + kConnectTime;
  if (!target_.socket_path.empty()) {
    RB_TRY(UniqueFd fd, connect_to_unix(target_.socket_path, target_.socket_owner, wait, by));
    return std::make_unique<HttpConnection>(make_plain_client_stream(std::move(fd)), target_.name());
  }
  RB_TRY(const HostPort where, parse_host_port(target_.address));
  if (target_.pins.empty()) {
    return fail(Errc::invalid_argument,
                fmt::format("no key is known for the server at {}: join it first", target_.address));
  }
  RB_TRY(TlsClient* const tls_client, tls());
  RB_TRY(UniqueFd fd, connect_to_tcp(where, wait, by));
  RB_TRY(auto stream, tls_client->connect(std::move(fd), where, wait, by));
  return std::make_unique<HttpConnection>(std::move(stream), target_.name());
}

Result<TlsClient*> HttpClient::tls() {
  const std::lock_guard lock(mutex_);
  if (!tls_) {
    RB_TRY(tls_, TlsClient::create(target_.pins));
  }
  return tls_.get();
}

}  // namespace rb::net
