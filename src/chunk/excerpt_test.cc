#include "chunk/excerpt.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace rb {
namespace {

NamedObject chunk_of(std::uint32_t number, std::size_t size) {
  Object object{ObjectKind::chunk, {}, Bytes(size, static_cast<std::uint8_t>(number))};
  for (int i = 0; i < 4 && i < static_cast<int>(size); ++i)
    object.payload[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(number >> (8 * i));
  const ObjectId id = object_id(object);
  return {id, std::move(object)};
}

Bytes block_of(const std::vector<NamedObject>& objects) {
  BlockBuilder builder(BlockClass::data);
  for (const NamedObject& one : objects)
    builder.add(one.id, one.object.kind, one.object.refs, one.object.payload);
  return builder.finish();
}

TEST(ExcerptTest, HasWhatIsWantedAndNothingElse) {
  EXPECT_TRUE(rc::check([](std::uint8_t count, const std::set<std::uint8_t>& chosen) {
    std::vector<NamedObject> objects;
    for (std::uint32_t i = 0; i < count; ++i)
      objects.push_back(chunk_of(i, 5 + i * 7 % 400));
    std::vector<ObjectId> ids;
    for (const std::uint8_t i : chosen) {
      if (i < count) ids.push_back(objects[i].id);
    }
    RC_PRE(!ids.empty());
    const auto blocks = excerpt(block_of(objects), ids);
    RC_ASSERT(blocks.has_value());
    RC_ASSERT(blocks->has_value() == (2 * ids.size() < count));
    if (!*blocks) return;
    std::vector<ObjectId> found;
    for (const Bytes& block : **blocks) {
      const auto unpacked = unpack_block(block);  // checks each against its id
      RC_ASSERT(unpacked.has_value());
      for (const NamedObject& one : *unpacked)
        found.push_back(one.id);
    }
    RC_ASSERT(found == ids);
  }));
}

TEST(ExcerptTest, ADamagedBlockIsRefused) {
  std::vector<NamedObject> objects;
  for (std::uint32_t i = 0; i < 9; ++i)
    objects.push_back(chunk_of(i, 300));
  Bytes block = block_of(objects);
  block.back() ^= 1;
  const auto blocks = excerpt(block, std::span(&objects[4].id, 1));
  ASSERT_FALSE(blocks);
  EXPECT_EQ(blocks.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace rb
