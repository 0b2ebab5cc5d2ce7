#include "chunk/excerpt.h"

#include <unordered_set>

namespace rb {

namespace {
constexpr int kLightLevel = 1;
}

Result<std::optional<std::vector<Bytes>>> excerpt(ByteView block, std::span<const ObjectId> ids) {
  RB_TRY(const BlockHeader header, read_block_header(block));
  if (2 * ids.size() >= header.objects) return std::nullopt;
  thread_local BlockReader reader;  // its buffers are worth keeping
  RB_TRY(reader.open(block));
  std::unordered_set<ObjectId> wanted(ids.begin(), ids.end());
  BlockBuilder builder(header.block_class, {.level = kLightLevel});
  std::vector<Bytes> blocks;
  for (std::size_t i = 0; i < reader.size(); ++i) {
    const auto& [object, payload] = reader.item(i);
    if (wanted.erase(object->id) == 0) continue;
    if (builder.full_for(payload.size(), object->refs.size())) blocks.push_back(builder.finish());
    builder.add(object->id, object->kind, object->refs, payload);
  }
  if (!builder.empty()) blocks.push_back(builder.finish());
  return blocks;
}

}  // namespace rb
