#include "repository/object_packer.h"

#include "chunk/block_codec.h"
#include "repository/acceptance.h"

namespace rb {

struct ObjectPacker::Collected {
  explicit Collected(BlockClass block_class) : builder(block_class) {}
  BlockBuilder builder;
  std::vector<MovedObject> objects;  // in the order of the block
};

ObjectPacker::ObjectPacker(CollectorPack& pack) : pack_(pack) {}
ObjectPacker::~ObjectPacker() = default;

Status ObjectPacker::add(const PackRecordOwner& owner, const Origin& origin, const BlockObject& object,
                         ByteView payload) {
  const BlockClass block_class = is_metadata(object.kind) ? BlockClass::metadata : BlockClass::data;
  const Key key{owner.domain, owner.node, block_class};
  Collected& collected = collected_.try_emplace(key, block_class).first->second;
  if (collected.builder.full_for(payload.size(), object.refs.size())) RB_TRY(write_collected(key, collected));
  collected.builder.add(object.id, object.kind, object.refs, payload);
  collected.objects.push_back(
      {.domain = owner.domain, .id = object.id, .from = origin.at, .from_index = origin.index});
  return {};
}

Result<PackPosition> ObjectPacker::append(const PackRecordOwner& owner, ByteView block) {
  RB_TRY(const PackPosition at, pack_.append(owner, block));
  bytes_[owner.node] += block.size();
  return at;
}

Status ObjectPacker::write_collected(const Key& key, Collected& collected) {
  if (collected.builder.empty()) return {};
  const Bytes block = collected.builder.finish();
  const auto& [domain, node, block_class] = key;
  RB_TRY(const PackPosition to, append({.node = node, .domain = domain}, block));
  RB_TRY(const BlockDirectory directory, decode_block_directory(block));
  RB_ASSERT(directory.objects.size() == collected.objects.size());
  std::uint32_t index = 0;
  for (MovedObject& object : collected.objects) {
    RB_ASSERT(directory.objects[index].id == object.id);
    object.to = to;
    object.to_index = index++;
    object.share_bytes = share_of(block, directory);
    moved_.push_back(object);
  }
  collected.objects.clear();
  return {};
}

Status ObjectPacker::finish() {
  for (auto& [key, collected] : collected_)
    RB_TRY(write_collected(key, collected));
  return {};
}

}  // namespace rb
