// Empties packs of which little is alive, by copying that into packs of the collector (docs/gc.md, "Compact
// and unlink"). Nothing is removed here: a pack whose rows have all been relocated is unused, and goes with
// the others that are (gc/unlinker.h). Until then both places are there, so a crash anywhere costs only work.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "gc/pack_usage.h"
#include "gc/unlinker.h"
#include "repository/pack_store.h"

namespace rb {

struct CompactionOptions {
  double dead_share = 0.3;                      // of a pack's bytes, beyond which it is emptied
  std::uint64_t copy_bytes_max = 4ull << 30;    // of what is alive, in one collection
  std::uint64_t pack_bytes_max = 128ull << 20;  // of the collector's packs
  std::size_t relocate_rows = 65536;            // in one step
};

// The packs to be emptied, the sparsest first; and small ones (each start of a server leaves one) when there
// are enough of them to make one pack.
Result<std::vector<std::uint64_t>> plan_compaction(Catalog& catalog, PackStore& packs, const PackUsage& usage,
                                                   std::span<const std::uint64_t> sealed,
                                                   const CompactionOptions& options);

struct CompactionReport {
  std::vector<std::uint64_t> emptied;  // no row points into them any more
  std::uint64_t bytes_copied = 0;
};

// Requires: no dead set; `usage` was counted since the last one was published, and `planned` were sealed
// then. `cancelled` is looked at between packs; what was begun is finished.
Result<CompactionReport> run_compaction(Catalog& catalog, PackStore& packs, const UnlinkSteps& steps,
                                        const PackUsage& usage, std::span<const std::uint64_t> planned,
                                        const CompactionOptions& options, const std::atomic<bool>& cancelled);

}  // namespace rb
