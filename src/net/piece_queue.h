// Carries the pieces of a long answer from the worker that makes them to the connection that writes them.
// Bounded: a worker whose reader is slow waits here. Thread-safe; one worker and one connection.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"

namespace rb::net {

class PieceQueue {
 public:
  // `wake` is called, from the worker's thread, when there is something new for the connection.
  PieceQueue(std::size_t max_bytes, std::function<void()> wake)
      : max_bytes_(max_bytes), wake_(std::move(wake)) {}

  // The worker's side. push() waits for room, and fails with Errc::cancelled once the reader is gone.
  Status push(ByteView piece);
  void finish(Status result);
  // Until the last piece was taken, or nobody reads any more.
  void wait_until_read();

  // The connection's side: the next piece, if it is there. Never waits.
  std::optional<Bytes> pop();
  // After the last piece: how it ended.
  std::optional<Status> result() const;
  // Nobody reads any more.
  void close();

 private:
  const std::size_t max_bytes_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::deque<Bytes> pieces_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
  std::optional<Status> result_;
};

}  // namespace rb::net
