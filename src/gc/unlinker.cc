#include "gc/unlinker.h"

#include <algorithm>
#include <set>

namespace rb {

namespace {

// Not the highest, for its number would come back; nothing that may still grow; and only what the watermark
// has passed: a row may be missing only because its record was not replayed yet.
Result<std::set<std::uint64_t>> removable(Catalog& catalog, PackStore& packs,
                                          std::span<const std::uint64_t> unused) {
  RB_TRY(const CatalogState state, catalog.state());
  const std::vector<std::uint64_t> sealed = packs.sealed_packs(), all = packs.packs();
  std::set<std::uint64_t> chosen;
  for (const std::uint64_t pack : unused) {
    if (!std::binary_search(sealed.begin(), sealed.end(), pack) || pack >= all.back()) continue;
    RB_TRY(const std::uint64_t end, packs.durable_end(pack));
    if (state.packs >= PackPosition{.pack = pack, .offset = end}) chosen.insert(pack);
  }
  return chosen;
}

// Requires: the catalog is still.
Status take_off(Catalog& catalog, const UnlinkSteps& steps, const std::set<std::uint64_t>& packs) {
  RB_TRY(auto stored, catalog.stored_bytes());
  RB_TRY(const auto rows, catalog.pack_rows());
  for (const CatalogPack& row : rows) {
    if (!packs.contains(row.pack)) continue;
    for (const auto& [node, bytes] : row.bytes)
      stored[node] -= std::min(bytes, stored[node]);
  }
  CatalogBatch batch;
  batch.removed_packs.assign(packs.begin(), packs.end());
  batch.stored_bytes = stored;
  RB_TRY(catalog.apply(batch));
  steps.stored_bytes_changed(std::move(stored));
  return {};
}

}  // namespace

Result<UnlinkReport> unlink_packs(Catalog& catalog, PackStore& packs, const UnlinkSteps& steps,
                                  std::span<const std::uint64_t> unused) {
  if (unused.empty()) return UnlinkReport{};
  RB_TRY(const std::set<std::uint64_t> chosen, removable(catalog, packs, unused));
  if (chosen.empty()) return UnlinkReport{};
  RB_TRY(steps.with_catalog_still([&] { return take_off(catalog, steps, chosen); }));
  RB_TRY(steps.persist());
  // From here on no catalog can come back that knows these packs.
  RB_TRY(const std::uint64_t freed, packs.remove(std::vector<std::uint64_t>(chosen.begin(), chosen.end())));
  return UnlinkReport{.packs_unlinked = chosen.size(), .bytes_freed = freed};
}

}  // namespace rb
