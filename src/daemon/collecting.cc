#include "daemon/collecting.h"

#include "base/log.h"
#include "daemon/quantity.h"
#include "gc/collector.h"

namespace rb::daemon {

void Collecting::start() {
  finisher_ = std::thread([this] {
    const Status done = finish_sweep(core_, cancelled_);
    if (done || done.error().code == Errc::cancelled || done.error().code == Errc::busy) return;
    log(LogLevel::error, "an interrupted collection can't be finished: {}", done.error().message);
  });
}

void Collecting::stop() {
  cancelled_ = true;
  if (finisher_.joinable()) finisher_.join();
}

Result<api::CollectionAnswer> Collecting::collect(const api::CollectionOrder& order) {
  CollectionOptions options;
  options.dry_run = order.dry_run;
  options.though_damaged = order.though_damaged;
  options.judged_before = core_.retention().judge_before(core_.book().times());
  const Result<CollectionReport> done = run_collection(core_, options, cancelled_);
  if (!done) {
    ++failures_;
    return std::unexpected(done.error());
  }
  if (!order.dry_run) {
    ++collections_;
    objects_ += done->dead;
    bytes_ += done->bytes_freed;
  }
  return api::CollectionAnswer{done->objects,     done->dead,         done->bytes_dead, done->packs_unlinked,
                               done->bytes_freed, done->bytes_copied, done->seconds};
}

void Collecting::collect_and_log() {
  const Result<api::CollectionAnswer> done = collect({});
  if (!done) {
    log(LogLevel::error, "nothing was collected: {}", done.error().message);
    return;
  }
  log(LogLevel::info, "collected: {} of {} objects freed, {} packs with {} given back, {} copied, {:.1f} s",
      done->dead, done->objects, done->packs_unlinked, format_bytes(done->bytes_freed),
      format_bytes(done->bytes_copied), done->seconds);
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
