#include "restore/batch.h"

#include <algorithm>
#include <functional>

namespace rb {

// The cell that names the id's slot, or the free one where it belongs. Requires: a free cell.
std::uint32_t& RestoreBatch::cell_of(const ObjectId& id) {
  const std::size_t mask = index_.size() - 1;
  std::size_t at = std::hash<ObjectId>()(id) & mask;
  while (index_[at] != kNone && slots_[index_[at]].id != id)
    at = (at + 1) & mask;
  return index_[at];
}

// Half of the cells at least stay free.
void RestoreBatch::make_room() {
  constexpr std::size_t kFirstCells = 256;
  if (2 * (slots_.size() + 1) <= index_.size()) return;
  index_.assign(std::max(kFirstCells, 2 * index_.size()), kNone);
  for (std::uint32_t i = 0; i < slots_.size(); ++i)
    cell_of(slots_[i].id) = i;
}

void RestoreBatch::add_piece(FileTask* task, const ObjectId& chunk, std::uint64_t offset,
                             std::uint32_t length) {
  make_room();
  std::uint32_t& cell = cell_of(chunk);
  if (cell == kNone) {
    cell = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back({chunk, kNone});
  }
  Slot& slot = slots_[cell];
  places_.push_back({task, offset, length, slot.first_place});
  slot.first_place = static_cast<std::uint32_t>(places_.size() - 1);
  task->pending.fetch_add(1, std::memory_order_relaxed);
  bytes_ += length;
}

RestoreBatch::Slot* RestoreBatch::find(const ObjectId& id) {
  if (index_.empty()) return nullptr;
  const std::uint32_t found = cell_of(id);
  return found == kNone ? nullptr : &slots_[found];
}

// Few pieces of a large file make a batch, many small files another: a file under way is about a kilobyte.
bool BatchQueue::is_full() const {
  constexpr std::size_t kWaitingWeight = 32768;
  constexpr std::size_t kWaitingLargeFiles = 256;
  std::size_t weight = 0, large_files = 0;
  for (const std::shared_ptr<RestoreBatch>& batch : waiting_) {
    weight += batch->weight();
    large_files += batch->large_files;
  }
  return weight >= kWaitingWeight || large_files >= kWaitingLargeFiles;
}

void BatchQueue::push(std::unique_ptr<RestoreBatch> batch) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !is_full(); });
  waiting_.push_back(std::move(batch));
  changed_.notify_all();
}

std::shared_ptr<RestoreBatch> BatchQueue::pop() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
  if (waiting_.empty()) return nullptr;
  std::shared_ptr<RestoreBatch> batch = std::move(waiting_.front());
  waiting_.pop_front();
  in_work_.push_back(batch);
  changed_.notify_all();
  return batch;
}

void BatchQueue::finished(const std::shared_ptr<RestoreBatch>& batch) {
  const std::lock_guard lock(mutex_);
  std::erase(in_work_, batch);
  changed_.notify_all();
}

std::vector<std::shared_ptr<RestoreBatch>> BatchQueue::others(const RestoreBatch& batch) {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<RestoreBatch>> out(in_work_.begin(), in_work_.end());
  out.insert(out.end(), waiting_.begin(), waiting_.end());
  std::erase_if(out, [&](const auto& other) { return other.get() == &batch; });
  return out;
}

void BatchQueue::wait_idle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_.empty() && in_work_.empty(); });
}

void BatchQueue::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

}  // namespace rb
