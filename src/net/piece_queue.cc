#include "net/piece_queue.h"

namespace rb::net {

Status PieceQueue::push(ByteView piece) {
  if (piece.empty()) return {};
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || bytes_ == 0 || bytes_ + piece.size() <= max_bytes_; });
    if (closed_) return fail(Errc::cancelled, "the reader of the answer has gone");
    pieces_.emplace_back(piece.begin(), piece.end());
    bytes_ += piece.size();
  }
  wake_();
  return {};
}

void PieceQueue::finish(Status result) {
  {
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
  }
  wake_();
}

void PieceQueue::wait_until_read() {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [&] { return closed_ || pieces_.empty(); });
}

std::optional<Bytes> PieceQueue::pop() {
  const std::lock_guard lock(mutex_);
  if (pieces_.empty()) return std::nullopt;
  Bytes piece = std::move(pieces_.front());
  pieces_.pop_front();
  bytes_ -= piece.size();
  room_.notify_one();
  return piece;
}

std::optional<Status> PieceQueue::result() const {
  const std::lock_guard lock(mutex_);
  if (!pieces_.empty()) return std::nullopt;
  return result_;
}

void PieceQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  pieces_.clear();
  bytes_ = 0;
  room_.notify_all();
}

}  // namespace rb::net
