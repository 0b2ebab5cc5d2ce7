#include "daemon/collecting.h"

#include <future>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/quantity.h"
#include "gc/collector.h"

namespace rb::daemon {

namespace {

// Behind backups, best effort. Not the very last: it takes locks that sessions wait for, and must come to the
// end of what it does under them on a machine that is busy.
void stand_behind_backups() {
  constexpr int kNice = 10, kWhoProcess = 1, kBestEffort = 2 << 13, kLastPlace = 7;
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  static_cast<void>(::setpriority(PRIO_PROCESS, thread, kNice));
  static_cast<void>(::syscall(SYS_ioprio_set, kWhoProcess, thread, kBestEffort | kLastPlace));
}

// On a thread of its own, for a thread can't take its priority back.
Result<CollectionReport> collect_behind_backups(RepositoryCore& core, const CollectionOptions& options,
                                                const std::atomic<bool>& cancelled) {
  auto collection = std::async(std::launch::async, [&] {
    stand_behind_backups();
    return run_collection(core, options, cancelled);
  });
  return collection.get();
}

}  // namespace

void Collecting::start() {
  finisher_ = std::thread([this] {
    stand_behind_backups();
    const std::lock_guard lock(own_accord_);
    const Status done = finish_sweep(core_, cancelled_);
    if (done || done.error().code == Errc::cancelled || done.error().code == Errc::busy) return;
    log(LogLevel::error, "an interrupted collection can't be finished: {}", done.error().message);
  });
}

void Collecting::stop() {
  cancelled_ = true;
  if (finisher_.joinable()) finisher_.join();
}

// Of two that are ordered the second is told that one is running.
Result<api::CollectionAnswer> Collecting::collect(const api::CollectionOrder& order) {
  { const std::lock_guard wait(own_accord_); }
  return run(order);
}

Result<api::CollectionAnswer> Collecting::run(const api::CollectionOrder& order) {
  CollectionOptions options;
  options.dry_run = order.dry_run;
  options.though_damaged = order.though_damaged;
  options.judged_before = core_.retention().judge_before(core_.book().times());
  const Result<CollectionReport> done = collect_behind_backups(core_, options, cancelled_);
  if (!done) {
    ++failures_;
    return std::unexpected(done.error());
  }
  if (!order.dry_run) {
    ++collections_;
    objects_ += done->dead;
    bytes_ += done->bytes_freed;
  }
  api::CollectionAnswer answer{.objects = done->objects,
                               .dead = done->dead,
                               .bytes_dead = done->bytes_dead,
                               .packs_unlinked = done->packs_unlinked,
                               .bytes_freed = done->bytes_freed,
                               .bytes_copied = done->bytes_copied,
                               .seconds = done->seconds,
                               .copies_kept_because = {}};
  if (order.damaged_copies && !order.dry_run && remove_copies_) {
    RB_TRY(const CopyRemoval copies, remove_copies_());
    answer.copies_removed = copies.removed;
    answer.copy_bytes_removed = copies.bytes_removed;
    answer.copies_kept = copies.kept;
    answer.copies_kept_because = copies.why_kept;
  }
  return answer;
}

std::optional<Timestamp> Collecting::last() const {
  return core_.book().times().last_collection;
}

Status Collecting::collect_and_log() {
  const std::lock_guard lock(own_accord_);
  if (core_.index().object_count() == 0) return {};
  RB_TRY(const api::CollectionAnswer done, run({}));
  log(LogLevel::info, "collected: {} of {} objects freed, {} packs with {} given back, {} copied, {:.1f} s",
      done.dead, done.objects, done.packs_unlinked, format_bytes(done.bytes_freed),
      format_bytes(done.bytes_copied), done.seconds);
  return {};
}

std::vector<api::NamedNumber> Collecting::numbers() const {
  const auto counter = [](const char* name, const char* help, std::uint64_t value) {
    return api::NamedNumber{name, help, true, static_cast<double>(value)};
  };
  return {counter("collections_total", "Garbage collections that ended well.", collections_),
          counter("collection_failures_total", "Garbage collections that failed.", failures_),
          counter("collected_objects_total", "Objects that were freed.", objects_),
          counter("collected_bytes_total", "Bytes of packs that were given back.", bytes_)};
}

}  // namespace rb::daemon
