// How what was appended becomes durable, or is known to be lost.
#include <fmt/format.h>

#include "base/log.h"
#include "repository/pack_store_impl.h"

namespace rb {

Status PackStoreImpl::sync() {
  std::unique_lock lock(mutex_);
  const std::size_t earlier = lost_.size();
  settle(lock);
  const bool new_loss = lost_.size() > earlier, untold_loss = losses_told_ < lost_.size();
  losses_told_ = lost_.size();
  if (new_loss || untold_loss) return std::unexpected(lost_.back().error);
  return {};
}

Status PackStoreImpl::sync_since(const PackPosition& first) {
  std::unique_lock lock(mutex_);
  const PackPosition end = end_;
  settle(lock);
  for (const LostRange& lost : lost_) {
    if (lost.begin < end && lost.end > first) return std::unexpected(lost.error);
  }
  return {};
}

void PackStoreImpl::settle(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t target = appended_;
  while (settled_ < target) {
    if (syncing_) {
      round_ended_.wait(lock);
    } else {
      run_sync_round(lock);
    }
  }
}

void PackStoreImpl::make_room(std::unique_lock<std::mutex>& lock) {
  while (open_ && open_->tail->is_full()) {
    if (syncing_) {
      round_ended_.wait(lock);
    } else {
      run_sync_round(lock);
    }
  }
}

void PackStoreImpl::await_written(const PackPosition& at) {
  std::unique_lock lock(mutex_);
  const auto found = packs_.find(at.pack);
  const bool may_wait = found != packs_.end() && found->second && !found->second->is_filling;
  if (may_wait && at.offset >= found->second->synced_end && at.offset < found->second->end) settle(lock);
}

void PackStoreImpl::run_sync_round(std::unique_lock<std::mutex>& lock) {
  struct Job {
    std::shared_ptr<WritablePack> pack;
    std::uint64_t end;
    std::optional<PackStretch> stretch{};
    Status status{};
  };
  std::vector<Job> jobs;
  for (const auto& pack : dirty_) {
    jobs.push_back({.pack = pack, .end = pack->end});
    if (pack->tail->has_untaken()) jobs.back().stretch = pack->tail->take();
  }
  const std::uint64_t covered = appended_;
  syncing_ = true;
  lock.unlock();
  for (Job& job : jobs) {
    if (job.stretch) job.status = write_stretch(*job.pack->file, *job.stretch);
    if (job.status) job.status = job.pack->file->sync();
  }
  lock.lock();
  syncing_ = false;
  for (Job& job : jobs) {
    if (job.stretch) memory_.give_back(std::move(job.stretch->memory));
    if (job.status) {
      job.pack->synced_end = job.end;
      if (job.pack != open_ && job.pack->end == job.end) job.pack->file.reset();
    } else {
      lose(job.pack, job.status.error());
    }
  }
  std::erase_if(dirty_, [](const auto& pack) { return pack->lost || pack->synced_end == pack->end; });
  settled_ = covered;
  round_ended_.notify_all();
}

void PackStoreImpl::lose(const std::shared_ptr<WritablePack>& pack, const Error& error) {
  pack->lost = true;
  log(LogLevel::error, "{}: {}; {} bytes of records are lost, their senders are told",
      pack_file_name(pack->number), error.message, pack->end - pack->synced_end);
  lost_.push_back({.begin = {.pack = pack->number, .offset = pack->synced_end},
                   .end = {.pack = pack->number, .offset = pack->end},
                   .error = error});
  stored_bytes_ -= pack->end - pack->synced_end;
  if (open_ == pack) open_.reset();
  pack->file.reset();
}

std::map<std::uint64_t, std::uint64_t> PackStoreImpl::settled_packs(std::uint64_t first) {
  std::unique_lock lock(mutex_);
  settle(lock);
  std::map<std::uint64_t, std::uint64_t> ends;
  for (auto it = packs_.lower_bound(first); it != packs_.end(); ++it) {
    ends[it->first] = it->second ? it->second->synced_end : kUnknownEnd;
  }
  return ends;
}

}  // namespace rb
