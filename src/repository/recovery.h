// Brings the index up to what the packs hold, before the first question is answered.
//
// Bottom-up: an object is admitted only when everything it refers to is. What remains in the end refers to
// something that is lost (or that was never durable); it gets a row marked incomplete, so that it can still
// be read.
#pragma once

#include <functional>

#include "format/block.h"
#include "repository/object_index.h"
#include "repository/pack_store.h"

namespace rb {

struct RecoveryResult {
  std::uint64_t records = 0, skipped_bytes = 0, incomplete_objects = 0;
};

// Applies the records at or after `from`. `known_domain` tells the domains that the journal has.
Result<RecoveryResult> recover_packs(PackStore& packs, ObjectIndex& index, const PackPosition& from,
                                     const std::function<bool(std::uint32_t)>& known_domain);

}  // namespace rb
