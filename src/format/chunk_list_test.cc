#include "format/chunk_list.h"

#include <gtest/gtest.h>

#include "base/byte_codec.h"
#include "base/limits.h"
#include "support/filled_id.h"

namespace rb {
namespace {

using test::filled_id;

// The payload of a page with these items, whether it is one or not; code 0 is a hole.
Bytes payload_of(int level, const std::vector<std::pair<std::uint64_t, std::uint64_t>>& items) {
  Bytes payload;
  ByteWriter writer(payload);
  writer.u8(0);
  writer.u8(static_cast<std::uint8_t>(level));
  writer.varint(items.size());
  for (const auto& [length, code] : items)
    writer.varint(length);
  for (const auto& [length, code] : items)
    writer.varint(code);
  return payload;
}

bool accepts(std::size_t ref_count, const Bytes& payload) {
  std::vector<ObjectId> refs;
  for (std::size_t i = 0; i < ref_count; ++i)
    refs.push_back(filled_id(static_cast<std::uint8_t>(i + 1)));
  const Result<ChunkListPage> page = decode_chunk_list(refs, payload);
  if (page) {
    EXPECT_EQ(encode_chunk_list(*page).payload, payload);
  }
  return page.has_value();
}

TEST(ChunkListTest, RepeatedChunksAreNamedOnce) {
  ChunkListPage page;
  page.items = {
      {100, filled_id(1)}, {5000, std::nullopt}, {100, filled_id(1)}, {7, filled_id(2)}, {100, filled_id(1)}};
  const Object object = encode_chunk_list(page);
  EXPECT_EQ(object.refs, (std::vector{filled_id(1), filled_id(2)}));
  EXPECT_EQ(decode_chunk_list(object.refs, object.payload), page);
}

TEST(ChunkListTest, HolesStandAloneAndAtLevelZeroOnly) {
  EXPECT_TRUE(accepts(0, payload_of(0, {{1, 0}})));
  EXPECT_FALSE(accepts(0, payload_of(0, {{1, 0}, {2, 0}})));
  EXPECT_TRUE(accepts(1, payload_of(1, {{1, 1}})));
  EXPECT_FALSE(accepts(1, payload_of(1, {{1, 0}, {1, 1}})));
}

TEST(ChunkListTest, LengthsAreBounded) {
  EXPECT_FALSE(accepts(1, payload_of(0, {{0, 1}})));
  EXPECT_TRUE(accepts(1, payload_of(0, {{kMaxChunkBytes, 1}})));
  EXPECT_FALSE(accepts(1, payload_of(0, {{kMaxChunkBytes + 1, 1}})));
  EXPECT_TRUE(accepts(1, payload_of(1, {{INT64_MAX, 1}})));
  EXPECT_FALSE(accepts(2, payload_of(1, {{INT64_MAX, 1}, {1, 1}})));
}

TEST(ChunkListTest, ReferencesMustAllBeNamedInOrder) {
  EXPECT_FALSE(accepts(0, payload_of(0, {{1, 1}})));
  EXPECT_FALSE(accepts(2, payload_of(0, {{1, 1}})));
  EXPECT_TRUE(accepts(1, payload_of(0, {{1, 1}, {1, 2}})));
  EXPECT_FALSE(accepts(1, payload_of(0, {{1, 2}, {1, 1}})));
  EXPECT_FALSE(accepts(1, payload_of(0, {{1, 1}, {1, 3}})));
}

TEST(ChunkListTest, ImpossibleCountsAndLevels) {
  EXPECT_FALSE(accepts(0, payload_of(0, {})));
  EXPECT_FALSE(accepts(1, payload_of(kMaxPageLevels, {{1, 1}})));
  Bytes payload = payload_of(0, {{1, 1}});
  payload[2] = 0x7f;
  EXPECT_FALSE(accepts(1, payload));
}

}  // namespace
}  // namespace rb
