// What can still be had of a record that is damaged beyond what parity corrects.
#pragma once

#include <vector>

#include "base/error.h"
#include "chunk/block_salvage.h"
#include "repository/pack_store.h"

namespace rb {

struct SalvagedRecord {
  std::optional<PackRecordOwner> owner;  // nothing where the record's header is lost
  std::vector<SalvagedObject> objects;
};

// Of the objects that a catalog says stand in the record, in this domain, those whose ids prove them. Errors
// are those of a record of which nothing can be read.
Result<SalvagedRecord> salvage_record(PackStore& packs, std::uint32_t domain, const PackPosition& at,
                                      std::span<const KnownObject> known);

// Blocks of these objects and no others, as the readers of a store are given them.
std::vector<Bytes> blocks_of(const std::vector<SalvagedObject>& objects);

}  // namespace rb
