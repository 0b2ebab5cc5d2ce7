#include "check/stored_objects.h"

#include "chunk/block_codec.h"

namespace rb {

Result<std::shared_ptr<const Object>> StoredObjects::load(const ObjectId& id) {
  RB_TRY(const ObjectIndex::Answer answer, core_.index().find(domain_, std::span(&id, 1)));
  const auto& found = answer.found[0];
  if (!found) return fail(Errc::not_found, "there is no object " + to_hex(id));
  RB_TRY(const PackStore::Record record, core_.packs().read(found->row.at));
  BlockReader block;
  RB_TRY(block.open(record.block));
  const std::uint32_t index = found->row.index;
  if (index >= block.size() || block.item(index).object->id != id) {
    return fail(Errc::corrupt, "a block holds another object than it did");
  }
  RB_TRY(block.verify(index));
  const BlockReader::Item item = block.item(index);
  return std::make_shared<const Object>(Object{.kind = item.object->kind,
                                               .refs = item.object->refs,
                                               .payload = {item.payload.begin(), item.payload.end()}});
}

}  // namespace rb
