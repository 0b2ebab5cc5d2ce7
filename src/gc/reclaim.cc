#include "gc/reclaim.h"

namespace rb {

Result<ReclaimReport> reclaim_space(Catalog& catalog, PackStore& packs, const UnlinkSteps& steps,
                                    const PackUsage& usage, std::span<const std::uint64_t> sealed,
                                    const CompactionOptions& options, const std::atomic<bool>& cancelled) {
  std::vector<std::uint64_t> unused;
  for (const std::uint64_t pack : sealed) {
    if (usage.of(pack).rows == 0) unused.push_back(pack);
  }
  RB_TRY(const UnlinkReport without_rows, unlink_packs(catalog, packs, steps, unused));
  RB_TRY(const auto planned, plan_compaction(catalog, packs, usage, sealed, options));
  RB_TRY(const CompactionReport compacted,
         run_compaction(catalog, packs, steps, usage, planned, options, cancelled));
  RB_TRY(const UnlinkReport emptied, unlink_packs(catalog, packs, steps, compacted.emptied));
  return ReclaimReport{.packs_unlinked = without_rows.packs_unlinked + emptied.packs_unlinked,
                       .bytes_freed = without_rows.bytes_freed + emptied.bytes_freed,
                       .bytes_copied = compacted.bytes_copied};
}

}  // namespace rb
