// The way to one server: exchanges, repeated while the server does not answer, for as long as patience lasts.
// Every request of the protocol may be repeated, so the only question here is when to stop. Shared by all
// sessions of a store. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "net/http_client.h"
#include "net/remote_store.h"

namespace rb::net {

// Ends waits and exchanges of whoever shares it. Once cancelled it stays so.
class Cancellation {
 public:
  void cancel() {
    {
      const std::lock_guard lock(mutex_);
      flag_ = true;
    }
    changed_.notify_all();
  }
  bool is_cancelled() const { return flag_; }
  const std::atomic<bool>* flag() const { return &flag_; }
  // False when it was cut short.
  bool sleep_for(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return !changed_.wait_for(lock, time, [&] { return flag_.load(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> flag_{false};
};

class ServerLink {
 public:
  explicit ServerLink(RemoteOptions options);

  const RemoteOptions& options() const { return options_; }

  // For callers that attempt by themselves: the failures of one request so far.
  struct Failures {
    int count = 0;
    std::chrono::steady_clock::time_point first;
    // The last one was an answer: not now, but after so long (429).
    std::optional<std::chrono::milliseconds> asked_to_wait;
  };

  // One attempt. An answer of 408, 429, 502, 503 (other than "busy") or 504 counts as none.
  Result<api::Response> attempt(const Exchange& exchange, Failures& failures);
  // For who does not repeat.
  Result<api::Response> attempt(const Exchange& exchange) {
    Failures ignored;
    return attempt(exchange, ignored);
  }

  // Attempts until there is an answer, or until a server that has answered before has not done so for the
  // time of our patience. A server that was never there is reported at once.
  Result<api::Response> call(const Exchange& exchange, Cancellation& cancellation);

  // Waits before the next attempt, or gives the error to end with.
  Status wait_after(const Error& failure, Failures& failures, Cancellation& cancellation);

 private:
  void note_answer();
  bool has_answered() const { return last_answer_.load() != 0; }
  void note_silence(const Error& failure);
  void note_asked_to_wait(const Error& reason);
  Status wait_as_asked(const Error& reason, Failures& failures, Cancellation& cancellation);

  const RemoteOptions options_;
  HttpClient client_;
  std::atomic<std::int64_t> last_answer_{0};  // steady clock, nanoseconds; 0: never
  std::mutex notice_mutex_;
  bool silent_ = false;         // a notice said so
  bool asked_to_wait_ = false;  // likewise
};

}  // namespace rb::net
