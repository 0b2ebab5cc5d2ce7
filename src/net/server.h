// The listener: HTTP/1.1 connections on a Unix socket (later also TLS on TCP), requests to an api::Service on
// a pool of worker threads, answers back. Moves bytes and keeps time; decides nothing about backups.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"

namespace rb::api {
class Service;
}

namespace rb::net {

struct ServerOptions {
  std::string
      socket_path;  // made with mode 0666: the kernel says who calls, the service decides what they may
  int worker_threads = 8;   // for disk and CPU work; the I/O thread never blocks
  int stream_threads = 16;  // for long answers: as many readers are served at a time, others wait
  std::size_t max_connections = 4096;
  std::size_t body_budget_bytes = 128 << 20;       // of all bodies being received; who comes late waits
  std::chrono::milliseconds idle_timeout{300000};  // between requests
  std::chrono::milliseconds read_timeout{60000};   // without progress inside a request
  std::chrono::milliseconds write_timeout{60000};  // without progress inside an answer
};

class Server {
 public:
  // Binds and listens; a stale socket (nobody answers) is replaced, a live one is refused.
  static Result<std::unique_ptr<Server>> start(api::Service& service, ServerOptions options);
  virtual ~Server() = default;
  // Stops accepting, lets running requests finish for at most `grace`, then cancels. Safe to call once, from
  // any thread.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

}  // namespace rb::net
