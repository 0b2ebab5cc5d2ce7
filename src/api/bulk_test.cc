#include "api/bulk.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/limits.h"
#include "support/block_samples.h"

namespace rb::api {
namespace {

ObjectId numbered_id(std::uint8_t n) {
  ObjectId id;
  id.bytes.fill(n);
  return id;
}

TEST(BulkTest, IdsSurviveTheWire) {
  const std::vector<ObjectId> ids = {numbered_id(1), numbered_id(2), numbered_id(255)};
  const Bytes body = encode_ids(ids);
  EXPECT_EQ(body.size(), 96u);
  EXPECT_EQ(decode_ids(body, 3).value(), ids);
  EXPECT_TRUE(decode_ids({}, 3)->empty());
}

TEST(BulkTest, IdsOfAWrongLengthOrNumberAreRefused) {
  const Bytes body = encode_ids(std::vector<ObjectId>{numbered_id(1), numbered_id(2)});
  EXPECT_EQ(decode_ids(ByteView(body).first(63), 9).error().code, Errc::protocol);
  EXPECT_EQ(decode_ids(body, 1).error().code, Errc::protocol);
}

TEST(BulkTest, PresencesHaveTheDocumentedBits) {
  const std::vector<Presence> answers = {Presence::have, Presence::send, Presence::wait, Presence::send,
                                         Presence::wait};
  EXPECT_EQ(encode_presences(answers), (Bytes{0b01'10'01'00, 0b10}));
}

TEST(BulkTest, PresencesSurviveTheWire) {
  EXPECT_TRUE(rc::check([](const std::vector<std::uint8_t>& numbers) {
    std::vector<Presence> answers;
    for (const std::uint8_t n : numbers)
      answers.push_back(static_cast<Presence>(n % 3));
    RC_ASSERT(decode_presences(encode_presences(answers), answers.size()).value() == answers);
  }));
}

TEST(BulkTest, UnknownPresencesAndStrayBitsAreRefused) {
  EXPECT_EQ(decode_presences(Bytes{0b11}, 1).error().code, Errc::protocol);
  EXPECT_EQ(decode_presences(Bytes{0b01'00}, 1).error().code, Errc::protocol);
  EXPECT_EQ(decode_presences(Bytes{0, 0}, 4).error().code, Errc::protocol);
  EXPECT_EQ(decode_presences(Bytes{}, 1).error().code, Errc::protocol);
}

Bytes joined(std::span<const Bytes> blocks) {
  Bytes body;
  for (const Bytes& block : blocks)
    append(body, block);
  return body;
}

TEST(BulkTest, ABodyIsCutIntoItsBlocks) {
  const std::vector<Bytes> blocks = {test::chunk_block("one").bytes, test::tree_block({}, "two").bytes};
  const Bytes body = joined(blocks);
  const auto cut = cut_blocks(body);
  ASSERT_TRUE(cut);
  ASSERT_EQ(cut->size(), 2u);
  EXPECT_TRUE(std::ranges::equal((*cut)[1], blocks[1]));
}

TEST(BulkTest, ABodyThatEndsInsideABlockIsRefused) {
  const Bytes body =
      joined(std::vector<Bytes>{test::chunk_block("one").bytes, test::chunk_block("two").bytes});
  const std::size_t boundary = test::chunk_block("one").bytes.size();
  for (std::size_t length = 1; length < body.size(); length++) {
    EXPECT_EQ(cut_blocks(ByteView(body).first(length)).has_value(), length == boundary) << length;
  }
}

TEST(BulkTest, BlocksComeTogetherWhateverThePieces) {
  const std::vector<Bytes> blocks = {test::chunk_block("one").bytes,
                                     test::chunk_block(std::string(5000, 'x')).bytes,
                                     test::tree_block({}, "three").bytes};
  const Bytes body = joined(blocks);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, body.size()}) {
    std::vector<Bytes> got;
    BlockAssembler assembler([&](ByteView block) -> Status {
      got.emplace_back(block.begin(), block.end());
      return {};
    });
    for (std::size_t at = 0; at < body.size(); at += piece) {
      ASSERT_TRUE(assembler.feed(ByteView(body).subspan(at, std::min(piece, body.size() - at))));
    }
    EXPECT_TRUE(assembler.at_boundary());
    EXPECT_EQ(got, blocks) << "in pieces of " << piece;
  }
}

TEST(BulkTest, AnAssemblerRefusesWhatIsNoBlock) {
  BlockAssembler assembler([](ByteView) -> Status { return {}; });
  EXPECT_EQ(assembler.feed(Bytes(100, 0x55)).error().code, Errc::corrupt);
}

TEST(BulkTest, AnAssemblerHandsOnTheErrorOfItsSink) {
  BlockAssembler assembler([](ByteView) -> Status { return fail(Errc::no_space, "full"); });
  EXPECT_EQ(assembler.feed(test::chunk_block("x").bytes).error().code, Errc::no_space);
}

}  // namespace
}  // namespace rb::api
