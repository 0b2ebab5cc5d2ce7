// HTTP exchanges with a server: on a Unix socket whose owner is checked, or over TLS 1.3 with a server whose
// key is pinned. Connections are kept and reused; a kept one that turns out to be dead is replaced once.
// Reports what happened and decides nothing: repeating is net/server_link.h's business. Thread-safe: calls
// run side by side, each on a connection of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/join_link.h"
#include "api/service.h"
#include "net/answer_reader.h"
#include "net/client_wait.h"
#include "net/rate_limit.h"

namespace rb::net {

struct Exchange {
  const api::Request* request = nullptr;
  std::span<const Bytes> parts;                  // sent after the request's own body, back to back
  AnswerSink on_body;                            // for answers with status 200; all others are collected
  std::chrono::milliseconds stall{0};            // longest time without a byte either way; 0: no limit
  std::chrono::milliseconds total{0};            // longest time for all; 0: no limit
  const std::atomic<bool>* cancelled = nullptr;  // ends the exchange within about a second
};

// Which server, and why it is believed to be that.
struct HttpTarget {
  std::string socket_path;  // a Unix socket, of root, of the caller or of
  std::optional<std::uint32_t> socket_owner;
  std::string address;                          // or HOST:PORT, over TLS, with
  std::vector<api::KeyPin> pins;                // ... one of these keys
  std::string authorization;                    // the field of every request, where not empty; a secret
  std::chrono::milliseconds lost_after{30000};  // without a sign of life of the other end's TCP
  std::uint64_t bytes_per_second = 0;           // of bodies, over all connections; 0: no limit

  std::string name() const { return socket_path.empty() ? address : socket_path; }
};

class HttpConnection;
class TlsClient;

class HttpClient {
 public:
  explicit HttpClient(HttpTarget target);
  ~HttpClient();

  // Errors: unavailable (no connection, or it broke; sys_errno says why where no connection came about),
  // denied (another server answers than the one we trust; nothing was sent), cancelled, protocol (what came
  // is not HTTP, or too much), or the sink's own.
  Result<api::Response> perform(const Exchange& exchange);

 private:
  Result<api::Response> send(std::span<const ByteView> pieces, const Exchange& exchange, ClientWait& wait);
  std::unique_ptr<HttpConnection> take_idle();
  void keep(std::unique_ptr<HttpConnection> connection);
  Result<std::unique_ptr<HttpConnection>> connect(ClientWait& wait);
  Result<TlsClient*> tls();

  const HttpTarget target_;
  RateLimit rate_;
  std::mutex mutex_;
  std::unique_ptr<TlsClient> tls_;  // made with the first connection that wants it; outlives all of them
  std::vector<std::unique_ptr<HttpConnection>> idle_;
};

}  // namespace rb::net
