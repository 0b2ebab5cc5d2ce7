// One HTTP exchange at a time with the server on a Unix socket, over libcurl. Connections are kept and
// reused. Reports what happened and decides nothing: repeating is net/patience.h's business. Thread-safe:
// calls run side by side, each on a handle of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/service.h"

namespace rb::net {

// Where the body of an answer goes, piece by piece, when it is not collected. An error breaks the exchange
// off.
using AnswerSink = std::function<Status(ByteView)>;

struct Exchange {
  const api::Request* request = nullptr;
  std::span<const Bytes> parts;                  // sent after the request's own body, back to back
  AnswerSink on_body;                            // for answers with status 200; all others are collected
  std::chrono::milliseconds stall{0};            // longest time without a byte either way; 0: no limit
  std::chrono::milliseconds total{0};            // longest time for all; 0: no limit
  const std::atomic<bool>* cancelled = nullptr;  // ends the exchange within about a second
};

class HttpClient {
 public:
  explicit HttpClient(std::string socket_path);
  ~HttpClient();

  // Errors: unavailable (no connection, or it broke; sys_errno says why where no connection came about),
  // cancelled, protocol (what came is not HTTP, or too much), or the sink's own.
  Result<api::Response> perform(const Exchange& exchange);

 private:
  class Handle;
  std::unique_ptr<Handle> take();
  void give_back(std::unique_ptr<Handle> handle);

  const std::string socket_path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_;
};

}  // namespace rb::net
