// Brings the index up to what the packs hold, before the first question is answered.
//
// Bottom-up: an object is admitted only when everything it refers to is; a row that a collection found dead
// counts as none. What remains in the end refers to something that is lost, was never durable, or was swept.
// Where a kept snapshot leads to it, it gets a row marked incomplete, so that it can still be read; else it
// is garbage, and gets none.
//
// What is too much for the table goes to the catalog beside the reading of what follows. If that is most of
// all packs, as when the catalog is made anew, rows are loaded in bulk, and what is new is mostly not looked
// up at all (ObjectIndex::begin_load).
#pragma once

#include <functional>

#include "format/block.h"
#include "repository/object_index.h"
#include "repository/pack_store.h"

namespace rb {

struct RecoveryResult {
  std::uint64_t records = 0, skipped_bytes = 0, incomplete_objects = 0;
  // What incomplete objects refer to and is nowhere: it may still be with whoever sent it. Not more than
  // kMissingMax of it.
  std::vector<DomainKey> missing;
};
inline constexpr std::size_t kMissingMax = 100'000;

// What the packs can't tell.
struct RecoveryContext {
  std::function<bool(std::uint32_t)> known_domain;  // whether the journal has it
  using SnapshotVisitor = std::function<void(std::uint32_t domain, const ObjectId& object)>;
  std::function<Status(const SnapshotVisitor&)> visit_kept_snapshots;
  std::size_t table_rows = 0;  // that are collected before they go to the catalog
  // Something in the tail is alive elsewhere. It may have been dead, sent again and acknowledged, before a
  // crash that undid the freeze: so nobody knows how old it is. Called once, before rows are moved.
  std::function<Status()> on_doubtful_age;
};

// Applies the records at or after `from`.
Result<RecoveryResult> recover_packs(PackStore& packs, ObjectIndex& index, const PackPosition& from,
                                     const RecoveryContext& context);

}  // namespace rb
