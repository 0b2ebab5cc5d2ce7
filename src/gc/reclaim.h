// What follows a sweep: the space of what is dead goes back to the file system. Packs without rows first,
// which needs no room; then sparse ones are emptied into new packs, and go too.
#pragma once

#include "gc/compactor.h"
#include "gc/unlinker.h"

namespace rb {

struct ReclaimReport {
  std::uint64_t packs_unlinked = 0, bytes_freed = 0, bytes_copied = 0;
};

// Requires: `sealed` were sealed when the mark began, `usage` was counted by its sweep.
Result<ReclaimReport> reclaim_space(Catalog& catalog, PackStore& packs, const UnlinkSteps& steps,
                                    const PackUsage& usage, std::span<const std::uint64_t> sealed,
                                    const CompactionOptions& options, const std::atomic<bool>& cancelled);

}  // namespace rb
