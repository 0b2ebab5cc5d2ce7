// Gives the space of packs back that no row points into any more (docs/gc.md, "Compact and unlink").
//
// A pack goes only when no catalog that a crash can leave has a row in it, or would have to replay a record
// of it: so the catalog is on disk first, with the pack's row gone and the watermark past its records.
#pragma once

#include <functional>
#include <span>

#include "repository/catalog.h"
#include "repository/pack_store.h"

namespace rb {

// What it needs beside catalog and packs.
struct UnlinkSteps {
  // Runs a step while nobody else changes rows of objects, packs or stored bytes in the catalog.
  std::function<Status(const std::function<Status()>&)> with_catalog_still;
  // Within such a step: the catalog says this of the nodes now.
  std::function<void(std::map<std::uint32_t, std::uint64_t> stored_bytes)> stored_bytes_changed;
  // What is durable goes into the catalog, and the catalog to disk.
  std::function<Status()> persist;
};

struct UnlinkReport {
  std::uint64_t packs_unlinked = 0, bytes_freed = 0;
};

// Requires: the packs were sealed when the mark began, and no row, of the table in memory either, points into
// them. Those that can't go now, as the highest, are left for another time.
Result<UnlinkReport> unlink_packs(Catalog& catalog, PackStore& packs, const UnlinkSteps& steps,
                                  std::span<const std::uint64_t> unused);

}  // namespace rb
