#include "format/entry.h"

#include <functional>

#include <gtest/gtest.h>

#include "base/limits.h"

namespace rb {
namespace {

Entry file() {
  return {.name = "a", .type = EntryType::file};
}
Entry directory() {
  return {.name = "d", .type = EntryType::directory};
}

// Changes a valid entry and expects it to be refused, with a reason.
void refuse(Entry entry, const std::function<void(Entry&)>& change) {
  ASSERT_TRUE(check_entry(entry).has_value());
  change(entry);
  const Status status = check_entry(entry);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, Errc::invalid_argument);
  EXPECT_FALSE(status.error().message.empty());
}

TEST(EntryTest, NamesThatNoDirectoryCanHold) {
  for (const std::string& name :
       {std::string("."), std::string(".."), std::string("a/b"), std::string("a\0b", 3), std::string(),
        std::string(kMaxNameBytes + 1, 'x')}) {
    refuse(file(), [&](Entry& e) { e.name = name; });
  }
  for (const char* name : {"...", "-rf", "new\nline", "\xff\xfe", " "}) {
    EXPECT_TRUE(check_entry({.name = name})) << name;
  }
  EXPECT_TRUE(check_entry({.name = "", .type = EntryType::directory}));
}

TEST(EntryTest, ContentMustFitTheType) {
  refuse(directory(), [](Entry& e) { e.content_kind = ContentKind::chunk_list; });
  refuse(file(), [](Entry& e) { e.content_kind = ContentKind::tree; });
  refuse({.name = "p", .type = EntryType::fifo}, [](Entry& e) {
    e.content_kind = ContentKind::chunk;
    e.size = 1;
  });
  refuse(file(), [](Entry& e) { e.content.bytes[0] = 1; });
}

TEST(EntryTest, SizeMustFitTheContent) {
  refuse(file(), [](Entry& e) { e.size = 1; });
  refuse(directory(), [](Entry& e) { e.size = 4096; });
  refuse(file(), [](Entry& e) { e.content_kind = ContentKind::chunk; });
  refuse(file(), [](Entry& e) {
    e.content_kind = ContentKind::chunk;
    e.size = kMaxChunkBytes + 1;
  });
  refuse(file(), [](Entry& e) {
    e.content_kind = ContentKind::inline_bytes;
    e.inline_content = {1, 2};
    e.size = 3;
  });
  refuse(file(), [](Entry& e) {
    e.content_kind = ContentKind::inline_bytes;
    e.inline_content.resize(kInlineContentBytes + 1);
    e.size = e.inline_content.size();
  });
}

TEST(EntryTest, FieldsThatBelongToOtherTypes) {
  refuse(file(), [](Entry& e) { e.target = "x"; });
  refuse(file(), [](Entry& e) { e.device = 1; });
  refuse(file(), [](Entry& e) { e.implied = true; });
  refuse(directory(), [](Entry& e) { e.hard_link.emplace(); });
  refuse(file(), [](Entry& e) { e.mode = 010000; });
  refuse(file(), [](Entry& e) { e.mtime.nanoseconds = 1'000'000'000; });
  refuse(file(), [](Entry& e) { e.kept = Kept{static_cast<KeptReason>(5), {}}; });
  refuse(file(), [](Entry& e) { e.type = static_cast<EntryType>(8); });
}

TEST(EntryTest, ExtendedAttributesAreSortedAndBounded) {
  refuse(file(), [](Entry& e) { e.xattrs = {{.name = "user.b"}, {.name = "user.a"}}; });
  refuse(file(), [](Entry& e) { e.xattrs = {{.name = "user.a"}, {.name = "user.a"}}; });
  refuse(file(), [](Entry& e) { e.xattrs = {{.name = ""}}; });
  refuse(file(), [](Entry& e) { e.xattrs = {{.name = "user.a", .value = Bytes(kInlineXattrBytes + 1)}}; });
  refuse(file(), [](Entry& e) { e.xattrs = {{.name = "user.a", .value = {1}, .chunk = ObjectId{}}}; });
}

TEST(EntryTest, UnknownFieldsAreOptionalOnes) {
  refuse(file(), [](Entry& e) { e.unknown = {{.tag = 127}}; });
  refuse(file(), [](Entry& e) { e.unknown = {{.tag = 130}}; });
  refuse(file(), [](Entry& e) { e.unknown = {{.tag = 131}, {.tag = 129}}; });
}

// A page of one entry must always fit an object, whatever somebody attached to the file.
TEST(EntryTest, AnEntryIsBoundedAsAWhole) {
  Entry entry = file();
  for (std::size_t i = 0; i < 4000; ++i) {
    entry.xattrs.push_back({.name = "user." + std::to_string(10000 + i), .value = Bytes(kInlineXattrBytes)});
  }
  EXPECT_FALSE(check_entry(entry));
  entry.xattrs.resize(1000);
  EXPECT_TRUE(check_entry(entry));
}

}  // namespace
}  // namespace rb
