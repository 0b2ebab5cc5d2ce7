#include "format/block.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/limits.h"
#include "support/canonical.h"
#include "support/filled_id.h"
#include "support/sealed_block.h"

namespace rb {
namespace {

using test::filled_id;

BlockDirectory data_directory(std::size_t objects, std::size_t raw_bytes) {
  BlockDirectory directory{.raw_bytes = static_cast<std::uint32_t>(raw_bytes)};
  for (std::size_t i = 0; i < objects; ++i)
    directory.objects.push_back({.id = filled_id(static_cast<std::uint8_t>(i))});
  return directory;
}

Bytes metadata_block() {
  const Bytes body = {3, 2, 'a', 'b', 'c', 'd', 'e'};
  BlockDirectory directory{.block_class = BlockClass::metadata,
                           .raw_bytes = static_cast<std::uint32_t>(body.size())};
  directory.objects = {{.id = filled_id(1), .kind = ObjectKind::tree, .refs = {filled_id(8), filled_id(9)}},
                       {.id = filled_id(2), .kind = ObjectKind::snapshot, .refs = {filled_id(1)}}};
  return encode_block(directory, body);
}

// The bytes with a checksum that matches them.
Bytes sealed(ByteView block) {
  return test::sealed_block(block.first(block.size() - kBlockChecksumBytes));
}

// As they were made before there was a quick hash.
Bytes older(const Bytes& block) {
  Bytes out = block;
  out[3] = '0';
  return sealed(out);
}

TEST(BlockTest, DirectoryComesBack) {
  const Bytes block = metadata_block();
  EXPECT_EQ(block_length(ByteView(block).first(kBlockHeaderBytes)), block.size());
  const Result<BlockDirectory> directory = decode_block_directory(block);
  ASSERT_TRUE(directory);
  EXPECT_EQ(directory->block_class, BlockClass::metadata);
  ASSERT_EQ(directory->objects.size(), 2u);
  EXPECT_EQ(directory->objects[0].refs, (std::vector{filled_id(8), filled_id(9)}));
  EXPECT_EQ(directory->objects[1].kind, ObjectKind::snapshot);
  const ByteView body = ByteView(block).subspan(directory->body_offset, directory->body_bytes);
  EXPECT_EQ(encode_block(*directory, body), block);
  const auto payloads = decode_block_body(body, 2);
  ASSERT_TRUE(payloads);
  EXPECT_EQ(as_text((*payloads)[0]), "abc");
  EXPECT_EQ(as_text((*payloads)[1]), "de");
}

TEST(BlockTest, AnyDamageIsSeen) {
  for (const Bytes& block : {metadata_block(), older(metadata_block())}) {
    EXPECT_TRUE(test::for_each_damage(
        block, [&](const Bytes& bytes) { return bytes == block || !decode_block_directory(bytes); }));
  }
}

TEST(BlockTest, OlderOnesAreRead) {
  const Bytes block = metadata_block();
  EXPECT_NE(older(block), block);
  const auto directory = decode_block_directory(older(block));
  ASSERT_TRUE(directory);
  EXPECT_EQ(*directory, *decode_block_directory(block));
}

// A client that lies makes a checksum that matches: structure and limits must hold by themselves.
TEST(BlockTest, DamageWithAMatchingChecksumIsRefusedOrCanonical) {
  EXPECT_TRUE(test::for_each_damage(metadata_block(), [&](const Bytes& bytes) {
    if (bytes.size() < kBlockHeaderBytes + kBlockChecksumBytes) return true;
    const Bytes lying = sealed(bytes);
    const Result<BlockDirectory> directory = decode_block_directory(lying);
    if (!directory) return true;
    const Bytes again =
        encode_block(*directory, ByteView(lying).subspan(directory->body_offset, directory->body_bytes));
    return (lying[3] == '0' ? older(again) : again) == lying;
  }));
}

TEST(BlockTest, KindsMustBelongToTheClass) {
  const Bytes block = metadata_block();
  const std::size_t kinds = kBlockHeaderBytes + 2 * ObjectId::kSize;
  ASSERT_EQ(block[kinds], static_cast<std::uint8_t>(ObjectKind::tree));
  for (const int kind : {0, 1, 5, 255}) {
    Bytes lying = block;
    lying[kinds] = static_cast<std::uint8_t>(kind);
    EXPECT_FALSE(decode_block_directory(sealed(lying)));
  }
  // A snapshot with two references.
  Bytes lying = block;
  lying[kinds] = static_cast<std::uint8_t>(ObjectKind::snapshot);
  EXPECT_FALSE(decode_block_directory(sealed(lying)));
}

TEST(BlockTest, LengthsAreCheckedBeforeAnythingIsTaken) {
  const Bytes block = encode_block(data_directory(1, 2), Bytes{1, 7});
  const auto with_u32 = [&](std::size_t offset, std::uint32_t value) {
    Bytes lying = block;
    std::memcpy(lying.data() + offset, &value, sizeof value);
    return lying;
  };
  for (const std::size_t field : {8, 12, 16, 20}) {
    for (const std::uint32_t value : {0u, 3u, 0x7fffffffu, 0xffffffffu}) {
      EXPECT_FALSE(decode_block_directory(sealed(with_u32(field, value)))) << field << " " << value;
    }
  }
  EXPECT_FALSE(block_length(with_u32(16, kMaxBlockBytes)));
  EXPECT_FALSE(block_length(ByteView(block).first(kBlockHeaderBytes - 1)));
}

TEST(BlockTest, AnUnknownSuiteIsNoDamage) {
  Bytes block = metadata_block();
  block[4] = 2;
  const Result<std::size_t> length = block_length(block);
  ASSERT_FALSE(length);
  EXPECT_EQ(length.error().code, Errc::unsupported);
}

TEST(BlockTest, BodiesAreTheirLengthsAndNothingElse) {
  const Bytes one = {1, 2, 3};
  const Bytes two = {};
  const std::vector<ByteView> payloads = {one, two};
  const Bytes body = encode_block_body(payloads);
  EXPECT_EQ(body, (Bytes{3, 0, 1, 2, 3}));
  EXPECT_TRUE(decode_block_body(body, 2));
  EXPECT_FALSE(decode_block_body(body, 1));
  EXPECT_FALSE(decode_block_body(body, 3));
  EXPECT_FALSE(decode_block_body(Bytes{3, 0, 1, 2}, 2));
  EXPECT_FALSE(decode_block_body(Bytes{3, 0, 1, 2, 3, 4}, 2));
  EXPECT_FALSE(decode_block_body(Bytes{0x83, 0x00, 0, 1, 2, 3}, 2));
  EXPECT_FALSE(decode_block_body(body, std::size_t{1} << 40));
}

}  // namespace
}  // namespace rb
