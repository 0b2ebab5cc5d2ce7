#include "tree/directory_cursor.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/limits.h"
#include "support/memory_objects.h"
#include "support/tree_samples.h"
#include "tree/directory_edit.h"
#include "tree/merge.h"

namespace rb {
namespace {

using samples::build;
using samples::check;
using samples::EntryMap;
using samples::file;
using samples::numbered;
using samples::numbered_files;
using samples::value;

TEST(DirectoryCursorTest, WalksInOrderAndReadsAhead) {
  MemoryObjects objects;
  const EntryMap entries = numbered_files(5000);
  const ObjectId root = build(objects, entries);
  objects.reset_counts();
  DirectoryCursor cursor(objects, root);
  EXPECT_EQ(objects.loads(), 0u);
  for (const auto& [name, entry] : entries) {
    ASSERT_EQ(*value(cursor.current()), entry);
    check(cursor.next());
  }
  EXPECT_EQ(value(cursor.current()), nullptr);
  check(cursor.next());  // stays at the end
  EXPECT_EQ(value(cursor.current()), nullptr);
  EXPECT_EQ(objects.loads(), objects.size());                  // each page once
  EXPECT_EQ(objects.prefetched().size() + 1, objects.size());  // and all but the root were announced
}

TEST(DirectoryCursorTest, AnEmptyDirectory) {
  MemoryObjects objects;
  const ObjectId root = build(objects, {});
  DirectoryCursor cursor(objects, root);
  EXPECT_EQ(value(cursor.current()), nullptr);
  check(cursor.seek("a"));
  EXPECT_EQ(value(cursor.current()), nullptr);
  EXPECT_FALSE(value(find_entry(objects, root, "a")).has_value());
}

TEST(DirectoryCursorTest, SeeksForwardAndBackward) {
  EXPECT_TRUE(rc::check("seek finds the first name not less", [] {
    const int count = *rc::gen::inRange(0, 7000);
    MemoryObjects objects;
    EntryMap entries;
    for (int i = 0; i < count; ++i)
      entries.emplace(numbered(2 * i), file(numbered(2 * i)));
    const ObjectId root = build(objects, entries);
    DirectoryCursor cursor(objects, root);
    auto expected = entries.begin();
    for (const int step : *rc::gen::container<std::vector<int>>(30, rc::gen::inRange(-1, 2 * 7000))) {
      if (step % 3 == 0 && expected != entries.end()) {
        check(cursor.next());
        ++expected;
      } else {
        const std::string name = step < 0 ? "" : step % 5 == 0 ? "z" : numbered(step % (2 * count + 1));
        check(cursor.seek(name));
        expected = entries.lower_bound(name);
      }
      const Entry* entry = value(cursor.current());
      RC_ASSERT((entry == nullptr) == (expected == entries.end()));
      if (entry != nullptr) RC_ASSERT(*entry == expected->second);
    }
  }));
}

TEST(DirectoryCursorTest, SeekingNearbyLoadsNothingAgain) {
  MemoryObjects objects;
  const ObjectId root = build(objects, numbered_files(5000));
  DirectoryCursor cursor(objects, root);
  check(cursor.seek(numbered(2500)));
  EXPECT_EQ(value(cursor.current())->name, numbered(2500));
  objects.reset_counts();
  check(cursor.seek(numbered(2500)));
  EXPECT_EQ(value(cursor.current())->name, numbered(2500));
  EXPECT_EQ(objects.loads(), 0u);
}

// A store that may say anything, with ids that are right: each case damages a directory of two leaves in one
// way.
class HostilePageTest : public testing::Test {
 protected:
  static TreePage leaf(std::vector<std::string> names) {
    TreePage page;
    for (std::string& name : names)
      page.entries.push_back(file(std::move(name)));
    return page;
  }
  ObjectId put(const TreePage& page) { return value(objects_.put(encode_tree_page(page))); }
  static TreePage inner(int level, std::vector<PageChild> children) {
    return {.level = level, .entries = {}, .children = std::move(children)};
  }

  void expect_corrupt(const ObjectId& root, const char* what) {
    const auto entries = read_directory(objects_, root);
    ASSERT_FALSE(entries.has_value()) << what;
    EXPECT_EQ(entries.error().code, Errc::corrupt) << what;
    const Status diff = diff_directories(objects_, std::nullopt, root, [](EntryChange) { return Status{}; });
    EXPECT_EQ(diff.error().code, Errc::corrupt) << what;
    DirectoryEdits edits;
    for (const char* name : {"a", "b", "bb", "c", "m", "n", "o", "z"})
      edits.emplace(name, file(name));
    const auto changed = edit_directory(objects_, objects_, root, edits);
    ASSERT_FALSE(changed.has_value()) << what;
    EXPECT_EQ(changed.error().code, Errc::corrupt) << what;
    const ObjectId base = put(leaf({"a", "n"}));
    const ObjectId own = put(leaf({"bb", "n"}));
    const auto merged = merge_trees(objects_, objects_, {base, root, own});
    ASSERT_FALSE(merged.has_value()) << what;
    EXPECT_EQ(merged.error().code, Errc::corrupt) << what;
  }

  MemoryObjects objects_;
};

TEST_F(HostilePageTest, LyingPagesAreCorrupt) {
  const ObjectId ab = put(leaf({"a", "b"}));
  const ObjectId mn = put(leaf({"m", "n"}));
  ASSERT_TRUE(read_directory(objects_, put(inner(1, {{"a", 2, ab}, {"m", 2, mn}}))).has_value());

  expect_corrupt(put(inner(1, {{"a", 2, ab}, {"l", 2, mn}})), "another first name");
  expect_corrupt(put(inner(1, {{"a", 3, ab}, {"m", 2, mn}})), "another count");
  expect_corrupt(put(inner(1, {{"a", 2, put(leaf({"a", "o"}))}, {"m", 2, mn}})),
                 "names beyond the next page's first");
  expect_corrupt(put(inner(1, {{"a", 2, put(leaf({"a", "m"}))}, {"m", 2, mn}})), "a name twice");
  expect_corrupt(put(inner(2, {{"a", 2, ab}, {"m", 2, mn}})), "a level left out");
  const ObjectId deep = put(inner(1, {{"a", 2, ab}}));
  expect_corrupt(put(inner(1, {{"a", 2, deep}, {"m", 2, mn}})), "levels that do not decrease");
  const ObjectId right = put(inner(1, {{"m", 2, mn}, {"x", 2, put(leaf({"x", "y"}))}}));
  expect_corrupt(put(inner(2, {{"a", 2, deep}, {"m", 3, right}})), "a sum that is wrong");
  const ObjectId wide = put(inner(1, {{"a", 2, ab}, {"m", 2, mn}}));
  expect_corrupt(put(inner(2, {{"a", 4, wide}, {"c", 2, put(inner(1, {{"c", 2, put(leaf({"c", "d"}))}}))}})),
                 "inner pages that overlap");
  expect_corrupt(put(inner(1, {{"a", 2, ab}, {"m", 1, put(TreePage{})}})), "an empty page below the root");
}

TEST_F(HostilePageTest, AnotherKindOfObjectIsCorrupt) {
  Object chunk{.kind = ObjectKind::chunk, .refs = {}, .payload = encode_tree_page(leaf({"a"})).payload};
  expect_corrupt(value(objects_.put(std::move(chunk))), "a chunk");
}

TEST_F(HostilePageTest, GarbageIsCorrupt) {
  expect_corrupt(value(objects_.put({.kind = ObjectKind::tree, .refs = {}, .payload = {0, 1, 2, 3}})),
                 "no page");
}

// A root without "/" is no snapshot's, but nothing keeps a stranger from storing one.
TEST_F(HostilePageTest, AnEmptyNameAmongOthersIsCorrupt) {
  TreePage page;
  page.entries.push_back(samples::directory(""));
  const ObjectId root = put(page);
  ASSERT_TRUE(read_directory(objects_, root).has_value());
  const auto merged = merge_trees(objects_, objects_, {std::nullopt, put(leaf({"m", "n"})), root});
  EXPECT_EQ(merged.error().code, Errc::corrupt);
  EXPECT_EQ(edit_directory(objects_, objects_, root, {{"a", file("a")}}).error().code, Errc::corrupt);
}

TEST_F(HostilePageTest, AMissingPageIsNotFound) {
  const ObjectId ab = put(leaf({"a", "b"}));
  const ObjectId root = put(inner(1, {{"a", 2, ab}}));
  objects_.remove(ab);
  EXPECT_EQ(read_directory(objects_, root).error().code, Errc::not_found);
}

}  // namespace
}  // namespace rb
