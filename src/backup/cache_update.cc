#include "backup/cache_update.h"

namespace rb {

namespace {

// What a killed run may have to look at again. A checkpoint is a write without a sync.
constexpr std::chrono::seconds kCheckpointInterval{2};

}  // namespace

CacheUpdate::CacheUpdate(const std::string& cache_directory, CacheUse use, CacheKey key)
    : directory_(use.write ? cache_directory : ""),
      key_(std::move(key)),
      next_checkpoint_((std::chrono::steady_clock::now() + kCheckpointInterval).time_since_epoch().count()) {
  if (use.read && !cache_directory.empty()) old_ = open_file_cache(cache_directory, key_);
}

FileCacheWriter* CacheUpdate::writer() {
  if (directory_.empty()) return nullptr;
  std::lock_guard lock(mutex_);
  if (!writer_) writer_ = create_file_cache(directory_, key_);
  return writer_.get();
}

std::unique_ptr<FileCacheWriter::Directory> CacheUpdate::begin_directory(std::string_view path) {
  FileCacheWriter* const to = writer();
  return to ? to->begin_directory(path) : nullptr;
}

void CacheUpdate::carry_over(std::string_view path) {
  FileCacheWriter* const to = writer();
  if (to && old_) to->carry_over(*old_, path);
}

void CacheUpdate::checkpoint_now_and_then() {
  const auto now = std::chrono::steady_clock::now();
  auto due = next_checkpoint_.load(std::memory_order_relaxed);
  const auto next = (now + kCheckpointInterval).time_since_epoch().count();
  if (now.time_since_epoch().count() < due || !next_checkpoint_.compare_exchange_strong(due, next)) return;
  checkpoint();
}

void CacheUpdate::checkpoint() {
  std::lock_guard lock(mutex_);
  if (writer_) writer_->flush();
}

Status CacheUpdate::finish(const ObjectId& root_tree, bool clean) {
  if (directory_.empty()) return {};
  if (clean && old_ && old_->root_tree() == root_tree) return {};
  if (clean) carry_over(key_.root_path);
  return writer()->finish(root_tree);
}

}  // namespace rb
