// The listener: HTTP/1.1 connections on Unix sockets and over TLS 1.3 on TCP, requests to an api::Service on
// a pool of worker threads, answers back. Moves bytes and keeps time; decides nothing about backups.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/server_stats.h"

namespace rb::api {
class Service;
}

namespace rb::net {

// Paths of PEM files; read at start and by Server::reload_tls().
struct TlsFiles {
  std::string certificate, key;
};

struct ServerOptions {
  // Made with mode 0666: the kernel says who calls, the service decides what they may. Empty: none.
  std::string socket_path;
  std::vector<std::string> listen;  // "ADDR:PORT" or "[ADDR]:PORT", TLS 1.3; port 0 takes a free one
  std::vector<int> inherited;       // listening sockets made by others (socket activation), Unix or TCP
  std::optional<TlsFiles> tls;      // required where anything listens on TCP
  int worker_threads = 8;           // for disk and CPU work; the I/O thread never blocks
  int stream_threads = 16;          // for long answers: as many readers are served at a time, others wait
  // Also bounded by the descriptors the process may have, see Server::start. When full, the oldest one that
  // has not shown a node's credential, and that no request runs on, makes room.
  std::size_t max_connections = 20000;
  std::size_t max_connections_per_share = 64;  // of one node (api::Admission); others are told 429
  std::size_t body_budget_bytes = 128 << 20;   // of all bodies being received; who comes late waits
  std::uint64_t bytes_per_second = 0;          // of all bodies and answers; 0: no limit
  std::uint64_t share_bytes_per_second = 0;    // of one node; 0: no limit
  std::chrono::milliseconds handshake_timeout{10000};
  std::chrono::milliseconds idle_timeout{300000};  // between requests
  std::chrono::milliseconds read_timeout{60000};   // without progress inside a request
  std::chrono::milliseconds write_timeout{60000};  // without progress inside an answer
};

class Server {
 public:
  // Binds and listens; a stale socket (nobody answers) is replaced, a live one is refused. Raises the
  // process's soft limit of descriptors to the hard one.
  static Result<std::unique_ptr<Server>> start(api::Service& service, ServerOptions options);
  virtual ~Server() = default;
  // The TCP addresses it listens at, "ADDR:PORT", with the ports that were taken.
  virtual std::vector<std::string> addresses() const = 0;
  // Reads the TLS files again, for connections to come. An error leaves those in use.
  virtual Status reload_tls() = 0;
  // From any thread.
  virtual ServerStats stats() const = 0;
  // Stops accepting, lets running requests finish for at most `grace`, then cancels. Safe to call once, from
  // any thread.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace rb::net
