// A small example of each format, to the byte. These fail when a format changes by accident: a change on
// purpose begins in docs/format.md and gets another version number there.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "format/block.h"
#include "format/chunk_list.h"
#include "format/repository_format.h"
#include "format/snapshot.h"
#include "format/tree_page.h"
#include "support/filled_id.h"

namespace rb {
namespace {

using test::filled_id;

// `expected` may be spaced as its reader likes.
void check_bytes(ByteView bytes, std::string_view expected) {
  std::string plain;
  for (const char c : expected) {
    if (c != ' ') plain += c;
  }
  EXPECT_EQ(to_hex(bytes), plain);
}

// The directory that docs/format.md, "A worked example", shows.
TreePage example_leaf() {
  TreePage page;
  page.entries = {{.name = "notes.txt",
                   .type = EntryType::file,
                   .mode = 0644,
                   .uid = 1000,
                   .gid = 1000,
                   .user = "ana",
                   .group = "ana",
                   .size = 5,
                   .mtime = {1'700'000'000, 500},
                   .content_kind = ContentKind::inline_bytes,
                   .inline_content = {'h', 'e', 'l', 'l', 'o'}},
                  {.name = "notes2",
                   .type = EntryType::file,
                   .mode = 0600,
                   .uid = 1000,
                   .gid = 1000,
                   .user = "ana",
                   .group = "ana",
                   .size = 70'000,
                   .mtime = {1'700'000'060, 0},
                   .birth = Timestamp{1'700'000'000, 1},
                   .content_kind = ContentKind::chunk,
                   .content = filled_id(0xaa)}};
  return page;
}

// Every field that the example above does not have.
TreePage rare_leaf() {
  TreePage page;
  Entry device{
      .name = "d", .type = EntryType::char_device, .mode = 0660, .gid = 6, .user = "root", .group = "disk"};
  device.device = std::uint64_t{8} << 32 | 1;
  device.kept = Kept{KeptReason::excluded, {-1, 2}};
  Entry file{.name = "f", .type = EntryType::file, .mode = 04755};
  file.attributes = 0x10;
  file.hard_link.emplace().bytes.fill(0x44);
  file.xattrs = {{.name = "user.a", .value = {1, 2}}, {.name = "user.b", .chunk = filled_id(0xbb)}};
  file.unknown = {{.tag = 129, .value = {9}}};
  const Entry link{.name = "l", .type = EntryType::symlink, .mode = 0777, .target = "../f"};
  const Entry implied{.name = "p",
                      .type = EntryType::directory,
                      .implied = true,
                      .mode = 0755,
                      .content_kind = ContentKind::tree,
                      .content = filled_id(0xcc)};
  page.entries = {device, file, link, implied};
  return page;
}

TEST(GoldenTest, ObjectIds) {
  check_bytes(object_id(ObjectKind::chunk, {}, as_bytes("hello")).view(),
              "e6c09552 5e47c537 6702a769 cbf842d4 1d2fe759 f0cf1dcb 5a090ddc 289880c0");
  const std::vector<ObjectId> refs = {filled_id(1)};
  check_bytes(object_id(ObjectKind::chunk_list, refs, as_bytes("hello")).view(),
              "e373d833 fe227094 9a7f1406 e727d838 779719e8 cc425b3b 1bb6e5d9 fbc835b5");
  check_bytes(object_id(ObjectKind::tree, refs, as_bytes("hello")).view(),
              "c3821ddc 651d9a24 74252802 3f60474d 028e8ae2 754dbeb9 c52fa279 c0f93a23");
  check_bytes(object_id(ObjectKind::snapshot, refs, as_bytes("hello")).view(),
              "b65dc23b 583dc62c 1dbc1a3c 4167471f b79d8249 c7818d5f 04ae29fd e18f1d85");
}

TEST(GoldenTest, LeafPage) {
  const Object object = encode_tree_page(example_leaf());
  EXPECT_EQ(object.refs, std::vector{filled_id(0xaa)});
  check_bytes(object.payload,
              "00000201 e807e807 03616e61 03616e61 040a0004 06050100 05001121 0001a401 8001f401 00000000"
              "00000009 05016e6f 7465732e 74787432 05f0a204 80c49fd5 0c787701 00000000 68656c6c 6f");
}

TEST(GoldenTest, LeafPageWithRareFields) {
  const Object object = encode_tree_page(rare_leaf());
  EXPECT_EQ(object.refs, (std::vector{filled_id(0xbb), filled_id(0xcc)}));
  check_bytes(object.payload,
              "00000402 00060472 6f6f7404 6469736b 00000000 08040400 04000105 00360601 034a0836 0000b001"
              "ed09ff01 ed010000 00000000 00000000 00000000 00000001 00010001 00016466 6c700001 01010000"
              "00000004 2e2e2f66 81808080 80010301 02000000 10444444 44444444 44444444 44444444 44020675"
              "7365722e 61030102 06757365 722e6200 00018101 0109");
}

TEST(GoldenTest, InnerPage) {
  TreePage page{.level = 1};
  page.children = {{.first_name = "aa", .entry_count = 300, .id = filled_id(1)},
                   {.first_name = "ab", .entry_count = 2, .id = filled_id(2)}};
  check_bytes(encode_tree_page(page).payload, "00010200 026161ac 02010162 02");
}

TEST(GoldenTest, ChunkList) {
  ChunkListPage page;
  page.items = {{1000, filled_id(1)}, {1 << 20, std::nullopt}, {1000, filled_id(1)}, {5, filled_id(2)}};
  check_bytes(encode_chunk_list(page).payload, "000004e8 07808040 e8070501 000201");
}

TEST(GoldenTest, SnapshotPayload) {
  Snapshot snapshot;
  snapshot.root = filled_id(1);
  snapshot.client_time = {1'700'000'000, 7};
  snapshot.host = "pc";
  snapshot.client_version = "0.1.0";
  snapshot.sources = {{.path = "/home",
                       .completed = {1'700'000'001, 0},
                       .recursive = true,
                       .deleting = true,
                       .warnings = 2,
                       .files = 9,
                       .bytes = 1000,
                       .device = 300,
                       .excludes = {"*.o"}}};
  snapshot.counts = {.created = 1,
                     .changed = 2,
                     .unchanged = 3,
                     .removed = 4,
                     .failed = 5,
                     .bytes_read = 600,
                     .bytes_new = 7,
                     .bytes_sent = 8};
  snapshot.warnings = {"w"};
  snapshot.merged = true;
  check_bytes(encode_snapshot(snapshot).payload,
              "000180c4 9fd50c07 00000002 70630530 2e312e30 01020304 05d80407 0801052f 686f6d65 82c49fd5"
              "0c000000 00030209 e807ac02 01032a2e 6f010177");
}

TEST(GoldenTest, BlockOfMetadata) {
  const Bytes body = {2, 0, 'h', 'i'};
  BlockDirectory directory{.block_class = BlockClass::metadata, .raw_bytes = 4};
  directory.objects = {{.id = filled_id(1), .kind = ObjectKind::tree, .refs = {filled_id(3)}},
                       {.id = filled_id(2), .kind = ObjectKind::chunk_list}};
  check_bytes(encode_block(directory, body),
              "72626231 00010000 02000000 64000000 04000000 04000000 01010101 01010101 01010101 01010101"
              "01010101 01010101 01010101 01010101 02020202 02020202 02020202 02020202 02020202 02020202"
              "02020202 02020202 03020100 03030303 03030303 03030303 03030303 03030303 03030303 03030303"
              "03030303 02006869 fffa2209 4d24f3ac 03633103 c0584036 0043a3f0 aaca3a56 41764264 88e22d23");
}

TEST(GoldenTest, BlockOfData) {
  const Bytes body = {2, 'h', 'i'};
  BlockDirectory directory{.raw_bytes = 3};
  directory.objects = {{.id = filled_id(1)}};
  check_bytes(encode_block(directory, body),
              "72626231 00000000 01000000 20000000 03000000 03000000 01010101 01010101 01010101 01010101"
              "01010101 01010101 01010101 01010101 02686970 b8904214 9e886010 5569a6db e251f6b3 a64f8b69"
              "eb193b1a 6367b82e 31b01c");
}

TEST(GoldenTest, OlderBlockOfData) {
  std::array<std::uint8_t, 91> block{};
  ASSERT_TRUE(from_hex(
      "7262623000000000010000002000000003000000030000000101010101010101010101010101010101010101010101010101"
      "010101010101026869cb591abcb00fb28d4223dd52707b7a07b5f4e3ecd9e797ab66274110dc58cc18",
      block));
  const auto directory = decode_block_directory(block);
  ASSERT_TRUE(directory);
  EXPECT_EQ(directory->objects, std::vector{BlockObject{.id = filled_id(1)}});
}

TEST(GoldenTest, RepositoryMarker) {
  RepositoryFormat format;
  format.id.bytes.fill(0x11);
  format.record_key.fill(0x22);
  check_bytes(encode_repository_format(format),
              "72626261 636b7570 20726570 6f736974 6f72790a 00000000 11111111 11111111 11111111 11111111"
              "22222222 22222222 22222222 22222222 22222222 22222222 22222222 22222222 cc13904f 339fdd06"
              "749034c6 31c853e3 2685a8a3 de6af009 468ec77d 8cf0b687");
}

}  // namespace
}  // namespace rb
