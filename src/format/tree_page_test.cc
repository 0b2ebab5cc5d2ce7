#include "format/tree_page.h"

#include <gtest/gtest.h>

#include "base/byte_codec.h"
#include "base/limits.h"
#include "support/filled_id.h"

namespace rb {
namespace {

using test::filled_id;

Entry chunk_file(std::string name, ObjectId content) {
  return {.name = std::move(name), .size = 10, .content_kind = ContentKind::chunk, .content = content};
}

Errc refusal(std::span<const ObjectId> refs, const Bytes& payload) {
  const Result<TreePage> page = decode_tree_page(refs, payload);
  EXPECT_FALSE(page.has_value());
  return page ? Errc::io : page.error().code;
}

TEST(TreePageTest, AnEmptyDirectoryIsThreeBytes) {
  const Object object = encode_tree_page({});
  EXPECT_EQ(object.payload, (Bytes{0, 0, 0}));
  EXPECT_EQ(decode_tree_page({}, object.payload), TreePage{});
}

TEST(TreePageTest, ReferencesStandOnceInOrderOfFirstUse) {
  TreePage page;
  page.entries = {chunk_file("a", filled_id(9)), chunk_file("b", filled_id(3)), chunk_file("c", filled_id(9)),
                  chunk_file("d", filled_id(1))};
  page.entries[1].xattrs = {{.name = "user.big", .chunk = filled_id(5)}};
  const Object object = encode_tree_page(page);
  EXPECT_EQ(object.refs, (std::vector{filled_id(9), filled_id(3), filled_id(5), filled_id(1)}));
  EXPECT_EQ(decode_tree_page(object.refs, object.payload), page);

  std::vector<ObjectId> swapped = object.refs;
  std::swap(swapped[0], swapped[1]);
  // Another page, not a damaged one: that is for the id to tell.
  EXPECT_NE(decode_tree_page(swapped, object.payload), page);
  swapped[1] = swapped[0];
  EXPECT_EQ(refusal(swapped, object.payload), Errc::corrupt);
}

TEST(TreePageTest, UnknownOptionalFieldsAreKept) {
  TreePage page;
  page.entries = {chunk_file("a", filled_id(1))};
  page.entries[0].unknown = {{.tag = 129, .value = {1, 2, 3}}, {.tag = 100'001, .value = {}}};
  const Object object = encode_tree_page(page);
  EXPECT_EQ(decode_tree_page(object.refs, object.payload), page);
}

TEST(TreePageTest, TimesBeyondEveryRange) {
  TreePage page;
  page.entries = {chunk_file("a", filled_id(1)), chunk_file("b", filled_id(2)),
                  chunk_file("c", filled_id(3))};
  page.entries[0].mtime = {INT64_MIN, 0};
  page.entries[1].mtime = {INT64_MAX, 999'999'999};
  page.entries[1].birth = Timestamp{INT64_MIN, 1};
  const Object object = encode_tree_page(page);
  EXPECT_EQ(decode_tree_page(object.refs, object.payload), page);
}

TEST(TreePageTest, AnUnknownVersionIsNoDamage) {
  Object object = encode_tree_page({});
  object.payload[0] = 1;
  EXPECT_EQ(refusal({}, object.payload), Errc::unsupported);
}

TEST(TreePageTest, LyingCountsTakeNoMemory) {
  for (const std::uint64_t count : {kMaxPageItems, kMaxPageItems + 1, std::size_t{1} << 60}) {
    Bytes payload;
    ByteWriter writer(payload);
    writer.u8(0);
    writer.u8(0);
    writer.varint(count);
    writer.varint(count);
    EXPECT_EQ(refusal({}, payload), Errc::corrupt);
  }
}

// Names that share all but a byte with the one before cost three bytes and would unpack to thousands each.
TEST(TreePageTest, NamesMayNotUnpackWithoutBound) {
  Bytes payload;
  ByteWriter writer(payload);
  writer.u8(0);
  writer.u8(1);
  const std::size_t count = 8000;
  writer.varint(count);
  std::vector<ObjectId> refs;
  // Each name is the first 4000 bytes of the one before and a greater ending.
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = std::string(4000, 'x') + std::to_string(100'000 + i);
    const std::size_t shared = i == 0 ? 0 : 4000 + 6;
    std::size_t same = 0;
    const std::string before = std::string(4000, 'x') + std::to_string(100'000 + i - 1);
    while (i > 0 && same < shared && before[same] == name[same])
      ++same;
    writer.varint(same);
    writer.sized(std::string_view(name).substr(same));
    writer.varint(1);
    ObjectId id;
    std::memcpy(id.bytes.data(), &i, sizeof i);
    refs.push_back(id);
  }
  ASSERT_LT(payload.size(), 100'000u);
  EXPECT_EQ(refusal(refs, payload), Errc::corrupt);
}

TEST(TreePageTest, OnlyTheRootPageHasAnEntryWithoutAName) {
  TreePage root;
  root.entries = {
      {.name = "", .type = EntryType::directory, .content_kind = ContentKind::tree, .content = filled_id(1)}};
  const Object object = encode_tree_page(root);
  EXPECT_EQ(decode_tree_page(object.refs, object.payload), root);
  EXPECT_DEATH(
      {
        TreePage page = root;
        page.entries.push_back(chunk_file("a", filled_id(2)));
        (void)encode_tree_page(page);
      },
      "name");
}

TEST(TreePageTest, InnerPagesKnowTheirChildren) {
  TreePage page{.level = 2};
  page.children = {{.first_name = "a", .entry_count = 100, .id = filled_id(1)},
                   {.first_name = "abc", .entry_count = 1, .id = filled_id(2)},
                   {.first_name = "b\xff", .entry_count = std::uint64_t{1} << 40, .id = filled_id(3)}};
  const Object object = encode_tree_page(page);
  EXPECT_EQ(object.refs.size(), 3u);
  EXPECT_EQ(decode_tree_page(object.refs, object.payload), page);
}

TEST(TreePageTest, MoreReferencesThanAnObjectMayHave) {
  EXPECT_EQ(refusal(std::vector<ObjectId>(kMaxObjectRefs + 1), {0, 0, 0}), Errc::corrupt);
}

}  // namespace
}  // namespace rb
