#include "restore/batch.h"

namespace rb {

void RestoreBatch::add_piece(FileTask* task, const ObjectId& chunk, std::uint64_t offset,
                             std::uint32_t length) {
  const auto [found, inserted] = index_.try_emplace(chunk, static_cast<std::uint32_t>(slots_.size()));
  if (inserted) slots_.push_back({chunk, kNone});
  Slot& slot = slots_[found->second];
  places_.push_back({task, offset, length, slot.first_place});
  slot.first_place = static_cast<std::uint32_t>(places_.size() - 1);
  task->pending.fetch_add(1, std::memory_order_relaxed);
  bytes_ += length;
}

RestoreBatch::Slot* RestoreBatch::find(const ObjectId& id) {
  const auto found = index_.find(id);
  return found == index_.end() ? nullptr : &slots_[found->second];
}

void BatchQueue::push(std::unique_ptr<RestoreBatch> batch) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_.size() < capacity_; });
  waiting_.push_back(std::move(batch));
  changed_.notify_all();
}

std::unique_ptr<RestoreBatch> BatchQueue::pop() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
  if (waiting_.empty()) return nullptr;
  std::unique_ptr<RestoreBatch> batch = std::move(waiting_.front());
  waiting_.pop_front();
  ++in_work_;
  changed_.notify_all();
  return batch;
}

void BatchQueue::finished() {
  const std::lock_guard lock(mutex_);
  --in_work_;
  changed_.notify_all();
}

void BatchQueue::wait_idle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_.empty() && in_work_ == 0; });
}

void BatchQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace rb
