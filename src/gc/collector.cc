#include "gc/collector.h"

#include <optional>

#include <fmt/format.h>

#include "base/log.h"
#include "gc/marker.h"
#include "gc/reclaim.h"
#include "gc/sweeper.h"
#include "repository/healing.h"

namespace rb {

namespace {

constexpr std::size_t kCountRows = 65536;

class Collection {
 public:
  Collection(RepositoryCore& core, const CollectionOptions& options, const std::atomic<bool>& cancelled)
      : core_(core), options_(options), cancelled_(cancelled) {}

  Result<CollectionReport> run();
  Status finish_sweep();

 private:
  Status pause() const;
  Timestamp judged_before() const;
  Status mark(Marker& marker);
  Status mark_and_freeze();
  Status count_dead();
  Status count_dead_in(std::uint32_t domain, const DeadSet& dead);
  Result<SweepReport> sweep();
  Status reclaim(const PackUsage& usage);

  RepositoryCore& core_;
  const CollectionOptions& options_;
  const std::atomic<bool>& cancelled_;
  std::vector<std::uint64_t> sealed_;  // packs that had all their rows in the catalog when the mark began
  CollectionReport report_;
};

Status Collection::pause() const {
  if (options_.between_steps) options_.between_steps();
  if (cancelled_) return fail(Errc::cancelled, "the collection was asked to stop");
  return {};
}

Timestamp Collection::judged_before() const {
  if (options_.judged_before) return *options_.judged_before;
  Timestamp time = core_.clock().wall();
  time.seconds -= options_.grace.count();
  return time;
}

// Until nothing is grey.
Status Collection::mark(Marker& marker) {
  for (bool more = true; more;) {
    RB_TRY(pause());
    RB_TRY(more, marker.step());
  }
  return {};
}

Status Collection::mark_and_freeze() {
  const Timestamp judged = judged_before();
  Marker marker(core_, {.judged_before = judged, .though_damaged = options_.though_damaged});
  sealed_ = core_.packs().sealed_packs();
  RB_TRY(marker.begin());
  RB_TRY(pause());
  RB_TRY(marker.take_roots());
  RB_TRY(mark(marker));
  // From here on what was deleted before can't come back, whether or not the freeze comes to pass.
  RB_TRY(core_.book().note_collection(judged));
  for (bool frozen = false; !frozen;) {
    RB_TRY(mark(marker));
    RB_TRY(frozen, marker.freeze());
  }
  return pause();
}

// What a collection would free now.
Status Collection::count_dead() {
  Marker marker(core_, {.judged_before = judged_before(),
                        .counts_as_begun = false,
                        .though_damaged = options_.though_damaged});
  RB_TRY(marker.begin());
  RB_TRY(marker.take_roots());
  RB_TRY(mark(marker));
  const DeadSet dead = marker.abandon();
  RB_TRY(const auto counts, core_.catalog().object_counts());
  for (const auto& [domain, count] : counts)
    RB_TRY(count_dead_in(domain, dead));
  return {};
}

Status Collection::count_dead_in(std::uint32_t domain, const DeadSet& dead) {
  std::optional<ObjectId> after;
  for (std::size_t visited = kCountRows; visited == kCountRows;) {
    RB_TRY(pause());
    visited = 0;
    std::optional<ObjectId> last = after;
    RB_TRY(core_.catalog().visit_objects(domain, after, kCountRows,
                                         [&](const ObjectId& id, const ObjectRow& row) -> Status {
                                           ++visited;
                                           last = id;
                                           ++report_.objects;
                                           if (!dead.contains(row.number)) return {};
                                           ++report_.dead;
                                           report_.bytes_dead += row.share_bytes;
                                           return {};
                                         }));
    after = last;
  }
  return {};
}

Result<SweepReport> Collection::sweep() {
  SweepSteps steps;
  steps.with_catalog_still = [this](const std::function<Status()>& step) -> Status {
    if (options_.between_steps) options_.between_steps();
    return core_.writer().with_catalog_still(step);
  };
  steps.rows_removed = [this](std::uint32_t domain, std::span<const ObjectId> ids) {
    core_.writer().dead_rows_removed(domain, ids);
  };
  steps.lift = [this] { core_.gate().lift(); };
  RB_TRY(core_.writer().write_dead_set());
  return run_sweep(core_.catalog(), steps, {}, cancelled_);
}

Status Collection::reclaim(const PackUsage& usage) {
  UnlinkSteps steps;
  steps.with_catalog_still = [this](const std::function<Status()>& step) {
    if (options_.between_steps) options_.between_steps();
    return core_.writer().with_catalog_still(step);
  };
  steps.stored_bytes_changed = [this](std::map<std::uint32_t, std::uint64_t> stored_bytes) {
    core_.index().stored_bytes_changed(std::move(stored_bytes));
  };
  steps.persist = [this] { return core_.writer().persist(); };
  RB_TRY(pause());
  const CompactionOptions compaction{.dead_share = options_.dead_share,
                                     .copy_bytes_max = options_.compact_bytes_max,
                                     .pack_bytes_max = options_.pack_bytes_max};
  RB_TRY(const ReclaimReport reclaimed,
         reclaim_space(core_.catalog(), core_.packs(), steps, usage, sealed_, compaction, cancelled_));
  report_.packs_unlinked = reclaimed.packs_unlinked;
  report_.bytes_freed = reclaimed.bytes_freed;
  report_.bytes_copied = reclaimed.bytes_copied;
  return {};
}

Status Collection::finish_sweep() {
  if (!core_.gate().dead_set()) return {};
  log(LogLevel::info, "a collection was interrupted, and its sweep goes on");
  RB_TRY(sweep());
  return {};
}

Result<CollectionReport> Collection::run() {
  const std::chrono::nanoseconds began = core_.clock().monotonic();
  RB_TRY(finish_sweep());
  RB_TRY(heal(core_));  // what was incomplete may have been sent again
  if (options_.dry_run) {
    RB_TRY(count_dead());
  } else {
    RB_TRY(mark_and_freeze());
    RB_TRY(const SweepReport swept, sweep());
    report_.objects = swept.rows_kept + swept.rows_removed;
    report_.dead = swept.rows_removed;
    report_.bytes_dead = swept.bytes_removed;
    if (swept.usage) RB_TRY(reclaim(*swept.usage));
  }
  report_.seconds = std::chrono::duration<double>(core_.clock().monotonic() - began).count();
  return report_;
}

// On a full disk a collection has the room of the reserve file, which is made again from what it freed.
class ReserveForCollection {
 public:
  explicit ReserveForCollection(SpaceGuard& space) : space_(space) {
    if (space_.check()) return;
    const Status given_up = space_.give_up_reserve();
    if (!given_up) log(LogLevel::warning, "the reserve can't be used: {}", given_up.error().message);
  }
  ~ReserveForCollection() {
    const Status made = space_.make_reserve();
    if (!made) log(LogLevel::warning, "no reserve could be made: {}", made.error().message);
  }
  ReserveForCollection(const ReserveForCollection&) = delete;
  ReserveForCollection& operator=(const ReserveForCollection&) = delete;

 private:
  SpaceGuard& space_;
};

std::unexpected<Error> runs_already() {
  return fail(Errc::busy, "a collection is running already: try again when it has ended");
}

}  // namespace

Result<CollectionReport> run_collection(RepositoryCore& core, const CollectionOptions& options,
                                        const std::atomic<bool>& cancelled) {
  const std::unique_lock lock(core.gate().collector(), std::try_to_lock);
  if (!lock) return runs_already();
  std::optional<ReserveForCollection> reserve;
  if (!options.dry_run) reserve.emplace(core.space());
  return Collection(core, options, cancelled).run();
}

Status finish_sweep(RepositoryCore& core, const std::atomic<bool>& cancelled) {
  const std::unique_lock lock(core.gate().collector(), std::try_to_lock);
  if (!lock) return runs_already();
  const CollectionOptions options;
  return Collection(core, options, cancelled).finish_sweep();
}

}  // namespace rb
