#include "chunk/block_codec.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <zstd.h>

#include "base/limits.h"
#include "format/tree_page.h"
#include "support/canonical.h"
#include "support/format_values.h"

namespace rb {
namespace {

using test::FormatValues;

ObjectId chunk_id(ByteView payload) {
  return object_id(ObjectKind::chunk, {}, payload);
}

void add_chunk(BlockBuilder& builder, ByteView payload) {
  builder.add(chunk_id(payload), ObjectKind::chunk, {}, payload);
}

Bytes text(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::uint8_t>("the same again "[i % 15]);
  return bytes;
}

// A block of one chunk whose body is `body`, said to unpack to `raw_bytes`.
Bytes zstd_block(const ObjectId& id, ByteView body, std::size_t raw_bytes) {
  BlockDirectory directory{.suite = BlockSuite::plain_zstd,
                           .raw_bytes = static_cast<std::uint32_t>(raw_bytes)};
  directory.objects = {{.id = id}};
  return encode_block(directory, body);
}

Bytes zstd_frame(ByteView raw) {
  Bytes frame(ZSTD_compressBound(raw.size()));
  frame.resize(ZSTD_compress(frame.data(), frame.size(), raw.data(), raw.size(), 1));
  return frame;
}

TEST(BlockCodecTest, ObjectsComeBack) {
  EXPECT_TRUE(rc::check("unpack(finish(objects)) = objects", [](std::uint64_t seed) {
    FormatValues values(seed);
    const BlockClass block_class = values.chance(50) ? BlockClass::data : BlockClass::metadata;
    BlockBuilder builder(block_class,
                         {.level = 1 + static_cast<int>(values.below(3)), .off = values.chance(20)});
    std::vector<NamedObject> added;
    for (std::size_t i = values.below(20) + 1; i > 0; --i) {
      Object object{.payload = values.chance(50) ? text(values.below(9000)) : values.bytes_up_to(3000)};
      if (block_class == BlockClass::metadata) object = encode_tree_page(values.tree_page(20));
      added.push_back({object_id(object), object});
      builder.add(added.back().id, object.kind, object.refs, object.payload);
    }
    RC_ASSERT(builder.object_count() == added.size());
    const Result<std::vector<NamedObject>> unpacked = unpack_block(builder.finish());
    RC_ASSERT(builder.empty());
    RC_ASSERT(unpacked.has_value());
    RC_ASSERT(std::ranges::equal(*unpacked, added, [](const NamedObject& a, const NamedObject& b) {
      return a.id == b.id && a.object == b.object;
    }));
  }));
}

TEST(BlockCodecTest, WhatDoesNotShrinkIsStoredRaw) {
  FormatValues values(1);
  BlockBuilder builder(BlockClass::data);
  add_chunk(builder, values.bytes(20'000));
  EXPECT_EQ(decode_block_directory(builder.finish())->suite, BlockSuite::plain_raw);
  add_chunk(builder, text(20'000));
  const Bytes packed = builder.finish();
  EXPECT_EQ(decode_block_directory(packed)->suite, BlockSuite::plain_zstd);
  EXPECT_LT(packed.size(), 1000u);
  BlockBuilder raw(BlockClass::data, {.off = true});
  add_chunk(raw, text(20'000));
  EXPECT_EQ(decode_block_directory(raw.finish())->suite, BlockSuite::plain_raw);
}

TEST(BlockCodecTest, EmptyChunksAndSingleBytes) {
  BlockBuilder builder(BlockClass::data);
  add_chunk(builder, {});
  add_chunk(builder, Bytes{1});
  const auto unpacked = unpack_block(builder.finish());
  ASSERT_TRUE(unpacked);
  EXPECT_EQ(unpacked->at(0).object.payload, Bytes{});
  EXPECT_EQ(unpacked->at(1).object.payload, Bytes{1});
}

TEST(BlockCodecTest, ClosesAtItsTarget) {
  BlockBuilder builder(BlockClass::data);
  EXPECT_FALSE(builder.full_for(kMaxChunkBytes, 0));
  while (!builder.full_for(10'000, 0))
    add_chunk(builder, text(10'000));
  EXPECT_EQ(builder.object_count(), kBlockBytes / 10'000);
  EXPECT_EQ(builder.raw_bytes(), builder.object_count() * 10'000);
  EXPECT_FALSE(builder.full_for(kBlockBytes % 10'000, 0));
}

// A reader who wants one page fetches its block; a store checks a block of metadata at once.
TEST(BlockCodecTest, BlocksOfMetadataAreSmaller) {
  const Object object{.kind = ObjectKind::tree, .refs = {}, .payload = text(10'000)};
  BlockBuilder builder(BlockClass::metadata);
  while (!builder.full_for(object.payload.size(), 0))
    builder.add(object_id(object), object.kind, object.refs, object.payload);
  EXPECT_EQ(builder.object_count(), kMetadataBlockBytes / 10'000);
}

TEST(BlockCodecTest, LargeObjectsAreAlone) {
  BlockBuilder builder(BlockClass::data);
  add_chunk(builder, text(10));
  EXPECT_TRUE(builder.full_for(kLoneBytes, 0));
  EXPECT_FALSE(builder.full_for(kLoneBytes - 1, 0));
  (void)builder.finish();
  add_chunk(builder, text(kLoneBytes));
  EXPECT_TRUE(builder.full_for(1, 0));
}

TEST(BlockCodecTest, TheNumberOfObjectsIsBounded) {
  BlockBuilder builder(BlockClass::data);
  while (!builder.full_for(0, 0))
    add_chunk(builder, {});
  EXPECT_EQ(builder.object_count(), kMaxBlockObjects);
  EXPECT_TRUE(unpack_block(builder.finish()));
}

TEST(BlockCodecTest, TheLargestMetadataObjectFits) {
  Object object{.kind = ObjectKind::tree, .payload = FormatValues(3).bytes(kMaxMetadataBytes)};
  BlockBuilder builder(BlockClass::metadata);
  builder.add(object_id(object), object.kind, object.refs, object.payload);
  const auto unpacked = unpack_block(builder.finish());
  ASSERT_TRUE(unpacked);
  EXPECT_EQ(unpacked->at(0).object, object);
}

TEST(BlockCodecTest, KeepsOnlyWhatIsWanted) {
  BlockBuilder builder(BlockClass::data);
  const std::vector<Bytes> payloads = {text(100), text(7), {}, text(3000), text(1)};
  for (const Bytes& payload : payloads)
    add_chunk(builder, payload);
  builder.keep_only({false, true, false, true, true});
  EXPECT_EQ(builder.ids(),
            (std::vector{chunk_id(payloads[1]), chunk_id(payloads[3]), chunk_id(payloads[4])}));
  EXPECT_EQ(builder.raw_bytes(), 3008u);
  add_chunk(builder, payloads[0]);
  const auto unpacked = unpack_block(builder.finish());
  ASSERT_TRUE(unpacked);
  ASSERT_EQ(unpacked->size(), 4u);
  EXPECT_EQ(unpacked->at(1).object.payload, payloads[3]);
  EXPECT_EQ(unpacked->at(3).object.payload, payloads[0]);
  add_chunk(builder, text(5));
  builder.keep_only({false});
  EXPECT_TRUE(builder.empty());
  EXPECT_FALSE(builder.full_for(kMaxChunkBytes, 0));
}

TEST(BlockCodecTest, AnObjectThatIsNotWhatItsIdSays) {
  BlockBuilder builder(BlockClass::data);
  add_chunk(builder, text(10));
  const ObjectId lie = chunk_id(text(11));
  builder.add(lie, ObjectKind::chunk, {}, text(12));
  const Bytes block = builder.finish();
  BlockReader reader;
  ASSERT_TRUE(reader.open(block));
  EXPECT_TRUE(reader.verify(0));
  const Status status = reader.verify(1);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::corrupt);
  EXPECT_NE(status.error().message.find(to_hex(lie)), std::string::npos);
  EXPECT_FALSE(unpack_block(block));
}

TEST(BlockCodecTest, FramesThatLieAboutTheirLength) {
  BlockReader reader;
  Bytes raw = text(5000);
  const std::vector<ByteView> payloads = {raw};
  const Bytes body = encode_block_body(payloads);
  const Bytes frame = zstd_frame(body);
  EXPECT_TRUE(reader.open(zstd_block(chunk_id(raw), frame, body.size())));
  EXPECT_TRUE(reader.verify(0));
  EXPECT_FALSE(reader.open(zstd_block(chunk_id(raw), frame, body.size() + 1)));
  EXPECT_FALSE(reader.open(zstd_block(chunk_id(raw), frame, body.size() - 1)));
  EXPECT_EQ(reader.size(), 0u);

  Bytes two_frames = frame;
  append(two_frames, zstd_frame({}));
  EXPECT_FALSE(reader.open(zstd_block(chunk_id(raw), two_frames, body.size())));
  Bytes cut_off = frame;
  cut_off.pop_back();
  EXPECT_FALSE(reader.open(zstd_block(chunk_id(raw), cut_off, body.size())));
  EXPECT_FALSE(reader.open(zstd_block(chunk_id(raw), text(20), body.size())));
}

TEST(BlockCodecTest, ALengthTableThatDisagrees) {
  BlockReader reader;
  const Bytes body = {200, 1, 2};
  EXPECT_FALSE(reader.open(zstd_block(ObjectId{}, zstd_frame(Bytes(5000, 200)), 5000)));
  BlockDirectory directory{.raw_bytes = 3};
  directory.objects = {{.id = {}}};
  EXPECT_FALSE(reader.open(encode_block(directory, body)));
}

TEST(BlockCodecTest, ChunksLargerThanAnyMayBe) {
  const Bytes payload = text(kMaxChunkBytes + 1);
  const std::vector<ByteView> payloads = {payload};
  const Bytes body = encode_block_body(payloads);
  EXPECT_FALSE(BlockReader().open(zstd_block(chunk_id(payload), zstd_frame(body), body.size())));
}

TEST(BlockCodecTest, AnyDamageIsSeen) {
  BlockBuilder builder(BlockClass::data);
  add_chunk(builder, text(300));
  const Bytes block = builder.finish();
  BlockReader reader;
  EXPECT_TRUE(test::for_each_damage(
      block, [&](const Bytes& damaged) { return damaged == block || !reader.open(damaged); }));
}

}  // namespace
}  // namespace rb
