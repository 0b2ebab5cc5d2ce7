// Removes the rows of what a collection found dead (docs/gc.md, "Sweep"), and counts what stays for its
// packs.
//
// Everything goes by the dead set in the catalog, which stays there, and keeps dead rows from being found,
// until the last of them is gone. So it may stop anywhere, by a crash too, and a later sweep does the rest:
// one that finds no dead set has nothing to do. Sessions wait for it no longer than one stretch takes.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <vector>

#include "gc/pack_usage.h"
#include "repository/catalog.h"

namespace rb {

// What a sweep needs beside the catalog.
struct SweepSteps {
  // Runs a step while nobody else changes rows of objects in the catalog.
  std::function<Status(const std::function<Status()>&)> with_catalog_still;
  // Within such a step: the dead rows of these objects have gone from the catalog.
  std::function<void(std::uint32_t domain, std::span<const ObjectId> ids)> rows_removed;
  // The catalog has no dead set any more, and no dead row.
  std::function<void()> lift;
};

struct SweepOptions {
  std::size_t stretch_rows = 65536;
  // Of snapshots that are gone for good: their rows go with the last batch.
  std::vector<CatalogSnapshotKey> gone;
};

struct SweepReport {
  std::uint64_t rows_kept = 0, rows_removed = 0;
  std::uint64_t bytes_removed = 0;  // by ObjectRow::share_bytes
  std::optional<PackUsage> usage;   // of the rows that stay; nothing when there was no dead set
};

// Errc::cancelled when `cancelled` was set, which is looked at between stretches.
Result<SweepReport> run_sweep(Catalog& catalog, const SweepSteps& steps, const SweepOptions& options,
                              const std::atomic<bool>& cancelled);

}  // namespace rb
