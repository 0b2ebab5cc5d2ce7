#include "gc/sweeper.h"

#include <set>

#include <fmt/format.h>

namespace rb {

namespace {

class Sweeper {
 public:
  Sweeper(Catalog& catalog, const SweepSteps& steps, const SweepOptions& options,
          const std::atomic<bool>& cancelled, std::shared_ptr<const DeadSet> dead)
      : catalog_(catalog), steps_(steps), options_(options), cancelled_(cancelled), dead_(std::move(dead)) {
    report_.usage.emplace();
  }

  Status remove_children();
  Status remove_rows(std::uint32_t domain);
  Status finish();
  SweepReport take_report() { return std::move(report_); }

 private:
  struct Stretch {
    std::size_t visited = 0;
    std::optional<ObjectId> last;
    std::vector<ObjectId> dead;
    std::uint64_t dead_bytes = 0;
    std::vector<ObjectRow> kept;
  };
  Status check_cancelled() const;
  Result<Stretch> read_stretch(std::uint32_t domain, const std::optional<ObjectId>& after);
  Status remove_dead(std::uint32_t domain, const Stretch& stretch);

  Catalog& catalog_;
  const SweepSteps& steps_;
  const SweepOptions& options_;
  const std::atomic<bool>& cancelled_;
  const std::shared_ptr<const DeadSet> dead_;
  SweepReport report_;
};

Status Sweeper::check_cancelled() const {
  if (cancelled_) return fail(Errc::cancelled, "the collection was asked to stop, and goes on next time");
  return {};
}

// Nobody else writes rows of dead numbers, so there is nothing to keep still.
Status Sweeper::remove_children() {
  ObjectNumber below = dead_->limit;
  for (std::size_t visited = options_.stretch_rows; visited == options_.stretch_rows;) {
    RB_TRY(check_cancelled());
    visited = 0;
    CatalogBatch batch;
    const auto visit = [&](ObjectNumber number, const std::vector<ObjectNumber>&) -> Status {
      ++visited;
      below = number;
      if (dead_->contains(number)) batch.removed_children.push_back(number);
      return {};
    };
    RB_TRY(catalog_.visit_children(below, options_.stretch_rows, visit));
    if (!batch.removed_children.empty()) RB_TRY(catalog_.apply(batch));
  }
  return {};
}

Status Sweeper::remove_rows(std::uint32_t domain) {
  std::optional<ObjectId> after;
  for (bool more = true; more;) {
    RB_TRY(check_cancelled());
    Stretch stretch;
    RB_TRY(steps_.with_catalog_still([&]() -> Status {
      RB_TRY(stretch, read_stretch(domain, after));
      return remove_dead(domain, stretch);
    }));
    // Counted only now that it is done.
    for (const ObjectRow& row : stretch.kept)
      report_.usage->count(row);
    report_.rows_kept += stretch.kept.size();
    report_.rows_removed += stretch.dead.size();
    report_.bytes_removed += stretch.dead_bytes;
    after = stretch.last;
    more = stretch.visited == options_.stretch_rows;
  }
  return {};
}

Result<Sweeper::Stretch> Sweeper::read_stretch(std::uint32_t domain, const std::optional<ObjectId>& after) {
  Stretch stretch;
  const auto visit = [&](const ObjectId& id, const ObjectRow& row) -> Status {
    ++stretch.visited;
    stretch.last = id;
    if (dead_->contains(row.number)) {
      stretch.dead.push_back(id);
      stretch.dead_bytes += row.share_bytes;
    } else {
      stretch.kept.push_back(row);
    }
    return {};
  };
  RB_TRY(catalog_.visit_objects(domain, after, options_.stretch_rows, visit));
  return stretch;
}

// Requires: the catalog is still, since the stretch was read. An object that came again has a row of another
// number under the same key, which the reading has seen.
Status Sweeper::remove_dead(std::uint32_t domain, const Stretch& stretch) {
  if (stretch.dead.empty()) return {};
  RB_TRY(const auto counts, catalog_.object_counts());
  const auto count = counts.find(domain);
  if (count == counts.end() || count->second < stretch.dead.size()) {
    return fail(
        Errc::corrupt,
        fmt::format("the catalog has more objects of domain {} than it counts: delete it, it is made anew",
                    domain));
  }
  CatalogBatch batch;
  for (const ObjectId& id : stretch.dead)
    batch.removed_objects.push_back({domain, id});
  batch.object_counts[domain] = count->second - stretch.dead.size();
  RB_TRY(catalog_.apply(batch));
  steps_.rows_removed(domain, stretch.dead);
  return {};
}

// Not earlier: a dead row that was found again would name children by numbers that are no more.
Status Sweeper::finish() {
  CatalogBatch last;
  last.lift_dead_set = true;
  last.removed_snapshots = options_.gone;
  RB_TRY(catalog_.apply(last));
  steps_.lift();
  return {};
}

Result<std::set<std::uint32_t>> all_domains(Catalog& catalog) {
  std::set<std::uint32_t> domains;
  RB_TRY(const auto counts, catalog.object_counts());
  for (const auto& [domain, count] : counts)
    domains.insert(domain);
  RB_TRY(const auto journalled, catalog.domains());
  for (const DomainRecord& domain : journalled)
    domains.insert(domain.domain);
  return domains;
}

}  // namespace

Result<SweepReport> run_sweep(Catalog& catalog, const SweepSteps& steps, const SweepOptions& options,
                              const std::atomic<bool>& cancelled) {
  RB_TRY(auto dead, catalog.dead_set());
  if (!dead) return SweepReport{};
  RB_TRY(const auto domains, all_domains(catalog));
  Sweeper sweeper(catalog, steps, options, cancelled, std::move(dead));
  RB_TRY(sweeper.remove_children());
  for (const std::uint32_t domain : domains)
    RB_TRY(sweeper.remove_rows(domain));
  RB_TRY(sweeper.finish());
  return sweeper.take_report();
}

}  // namespace rb
