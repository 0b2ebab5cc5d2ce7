#include "repository/record_salvage.h"

#include <set>

#include "chunk/block_codec.h"

namespace rb {

// Only what has a row at this place is given: what a block of another domain left in these sectors has not.
Result<SalvagedRecord> salvage_record(PackStore& packs, std::uint32_t domain, const PackPosition& at,
                                      std::span<const KnownObject> known) {
  RB_TRY(const PackStore::Remains remains, packs.read_remains(at));
  SalvagedRecord record{.owner = remains.owner, .objects = {}};
  if (record.owner && record.owner->domain != domain) return record;
  std::set<ObjectId> has_row;
  for (const KnownObject& object : known)
    has_row.insert(object.id);
  record.objects = salvage_block(remains.bytes, known);
  std::erase_if(record.objects, [&](const SalvagedObject& one) { return !has_row.contains(one.object.id); });
  return record;
}

std::vector<Bytes> blocks_of(const std::vector<SalvagedObject>& objects) {
  std::vector<Bytes> blocks;
  for (const BlockClass block_class : {BlockClass::data, BlockClass::metadata}) {
    BlockBuilder builder(block_class, {.off = true});  // it is read once
    for (const auto& [index, named] : objects) {
      const Object& object = named.object;
      if (is_metadata(object.kind) != (block_class == BlockClass::metadata)) continue;
      if (builder.full_for(object.payload.size(), object.refs.size())) blocks.push_back(builder.finish());
      builder.add(named.id, object.kind, object.refs, object.payload);
    }
    if (!builder.empty()) blocks.push_back(builder.finish());
  }
  return blocks;
}

}  // namespace rb
