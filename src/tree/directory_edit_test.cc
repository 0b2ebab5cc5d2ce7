#include "tree/directory_edit.h"

#include <random>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "support/memory_objects.h"
#include "support/tree_samples.h"
#include "tree/directory_cursor.h"

namespace rb {
namespace {

using samples::build;
using samples::chunk_file;
using samples::EntryMap;
using samples::file;
using samples::numbered;
using samples::numbered_files;
using samples::value;

EntryMap edited(EntryMap entries, const DirectoryEdits& edits) {
  for (const auto& [name, entry] : edits) {
    entries.erase(name);
    if (entry) entries.emplace(name, *entry);
  }
  return entries;
}

std::map<std::string, EntryChange> diff(ObjectSource& source, const std::optional<ObjectId>& before,
                                        const std::optional<ObjectId>& after) {
  std::map<std::string, EntryChange> changes;
  samples::check(diff_directories(source, before, after, [&](EntryChange change) -> Status {
    EXPECT_TRUE(changes.empty() || changes.rbegin()->first < change.name);
    changes.emplace(change.name, std::move(change));
    return {};
  }));
  return changes;
}

void expect_diff(MemoryObjects& objects, const EntryMap& before, const EntryMap& after) {
  const std::map<std::string, EntryChange> changes =
      diff(objects, build(objects, before), build(objects, after));
  std::size_t expected = 0;
  const auto find = [](const EntryMap& in, const std::string& name) -> std::optional<Entry> {
    const auto found = in.find(name);
    return found == in.end() ? std::nullopt : std::optional(found->second);
  };
  EntryMap all = before;
  all.insert(after.begin(), after.end());
  for (const auto& [name, entry] : all) {
    if (find(before, name) == find(after, name)) continue;
    ++expected;
    ASSERT_TRUE(changes.contains(name)) << name;
    EXPECT_EQ(changes.at(name).before, find(before, name));
    EXPECT_EQ(changes.at(name).after, find(after, name));
  }
  EXPECT_EQ(changes.size(), expected);
}

// Runs of edits at one place and scattered ones, insertions, changes and removals, in directories of any
// height.
DirectoryEdits random_edits(std::mt19937& random, int count) {
  DirectoryEdits edits;
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int run = below(4); run >= 0; --run) {
    const int kind = below(3);
    int at = below(count + 10);
    for (int length = below(2) == 0 ? 1 : below(count / 2 + 2); length > 0; --length, ++at) {
      const std::string name = kind == 1 ? numbered(at) + "-new" : numbered(at);
      edits[name] = kind == 2 ? std::nullopt : std::optional(file(name, 1 + below(3)));
    }
  }
  return edits;
}

TEST(DirectoryEditTest, EditingGivesTheSameAsBuildingAnewAndDiffSeesIt) {
  EXPECT_TRUE(rc::check("edit == build", [] {
    std::mt19937 random(*rc::gen::arbitrary<unsigned>());
    const int count = *rc::gen::inRange(0, 4500);
    MemoryObjects objects;
    const EntryMap before = numbered_files(count);
    const DirectoryEdits edits = random_edits(random, count);
    const EntryMap after = edited(before, edits);
    const ObjectId root = value(edit_directory(objects, objects, build(objects, before), edits));
    RC_ASSERT(root == build(objects, after));
    expect_diff(objects, before, after);
    expect_diff(objects, after, before);
  }));
}

TEST(DirectoryEditTest, NoDirectoryIsAnEmptyOne) {
  MemoryObjects objects;
  EXPECT_EQ(value(edit_directory(objects, objects, std::nullopt, {})), build(objects, {}));
  const EntryMap one = {{"a", file("a")}};
  const ObjectId root = value(edit_directory(objects, objects, std::nullopt, {{"a", file("a")}}));
  EXPECT_EQ(root, build(objects, one));
  EXPECT_EQ(value(edit_directory(objects, objects, root, {{"a", std::nullopt}})), build(objects, {}));
  EXPECT_EQ(diff(objects, std::nullopt, root).size(), 1u);
  EXPECT_EQ(diff(objects, root, std::nullopt).size(), 1u);
  EXPECT_EQ(diff(objects, std::nullopt, build(objects, {})).size(), 0u);
}

TEST(DirectoryEditTest, EditsThatChangeNothingGiveTheSameId) {
  MemoryObjects objects;
  const EntryMap entries = numbered_files(3000);
  const ObjectId root = build(objects, entries);
  objects.reset_counts();
  EXPECT_EQ(value(edit_directory(objects, objects, root, {})), root);
  EXPECT_EQ(objects.loads(), 0u);
  const DirectoryEdits edits = {{"no such file", std::nullopt}, {numbered(1500), entries.at(numbered(1500))}};
  EXPECT_EQ(value(edit_directory(objects, objects, root, edits)), root);
  EXPECT_EQ(objects.new_objects(), 0u);
}

TEST(DirectoryEditTest, AMarkIsADifferenceAndSoIsAnotherTree) {
  MemoryObjects objects;
  EntryMap before = {{"a", file("a")}, {"d", samples::directory("d", build(objects, {}))}};
  EntryMap after = before;
  after.at("a").kept = Kept{KeptReason::absent, {5, 0}};
  after.at("d").content = build(objects, {{"x", file("x")}});
  expect_diff(objects, before, after);
}

TEST(DirectoryEditTest, AVisitorMayStopTheDiff) {
  MemoryObjects objects;
  int visited = 0;
  const Status status =
      diff_directories(objects, std::nullopt, build(objects, numbered_files(10)), [&](EntryChange) -> Status {
        if (++visited == 3) return fail(Errc::cancelled, "enough");
        return {};
      });
  EXPECT_EQ(status.error().code, Errc::cancelled);
  EXPECT_EQ(visited, 3);
}

// Pages that both sides have are not read.
TEST(DirectoryEditTest, DiffLoadsNoPageThatIsOnBothSides) {
  MemoryObjects objects;
  EntryMap entries = numbered_files(20'000);
  const ObjectId before = build(objects, entries);
  entries.erase(numbered(7));
  entries.emplace("file-0010000-new", file("file-0010000-new"));
  for (int i = 20'000; i < 30'000; ++i)
    entries.emplace(numbered(i), file(numbered(i)));  // another height perhaps
  const ObjectId after = build(objects, entries);
  const auto pages_of = [&](const ObjectId& root) {
    std::unordered_set<ObjectId> pages;
    const auto walk = [&](auto& self, const ObjectId& id) -> void {
      pages.insert(id);
      for (const PageChild& child : value(load_tree_page(objects, id)).children)
        self(self, child.id);
    };
    walk(walk, root);
    return pages;
  };
  const std::unordered_set<ObjectId> old_pages = pages_of(before);
  const std::unordered_set<ObjectId> new_pages = pages_of(after);
  objects.reset_counts();
  EXPECT_EQ(diff(objects, before, after).size(), 10'002u);
  std::size_t different = 0;
  for (const ObjectId& id : objects.loaded())
    EXPECT_FALSE(old_pages.contains(id) && new_pages.contains(id));
  for (const ObjectId& id : new_pages)
    different += !old_pages.contains(id);
  for (const ObjectId& id : old_pages)
    different += !new_pages.contains(id);
  EXPECT_EQ(objects.loads(), different);
}

// One directory of a million, built once for all that is looked at.
class MillionTest : public testing::Test {
 protected:
  static constexpr int kCount = 1'000'000;

  MillionTest() {
    DirectoryBuilder builder(objects_);
    for (int i = 0; i < kCount; ++i)
      samples::check(builder.add(chunk_file(numbered(i))));
    root_ = value(builder.finish());
  }

  void expect_cheap(const DirectoryEdits& edits) {
    objects_.reset_counts();
    const ObjectId changed = value(edit_directory(objects_, objects_, root_, edits));
    EXPECT_NE(changed, root_);
    EXPECT_LE(objects_.loads(), 16u) << edits.begin()->first;
    EXPECT_LE(objects_.puts(), 12u) << edits.begin()->first;
    EXPECT_LE(objects_.new_bytes(), 64u << 10) << edits.begin()->first;
    objects_.reset_counts();
    EXPECT_EQ(diff(objects_, root_, changed).size(), edits.size());
    EXPECT_LE(objects_.loads(), 32u) << edits.begin()->first;
  }
  // What a changed file costs on average: kilobytes.
  void expect_kilobytes_for_each_of(int rounds) {
    std::mt19937 random(1);
    objects_.reset_counts();
    for (int round = 0; round < rounds; ++round) {
      const std::string name = numbered(static_cast<int>(random() % kCount));
      EXPECT_NE(value(edit_directory(objects_, objects_, root_, {{name, chunk_file(name, 1)}})), root_);
    }
    EXPECT_LT(static_cast<double>(objects_.new_bytes()) / rounds, 20'000);
  }
  void expect_one_page_loaded_per_level() {
    const int levels = value(load_tree_page(objects_, root_)).level + 1;
    EXPECT_LE(levels, 5);
    objects_.reset_counts();
    EXPECT_EQ(value(find_entry(objects_, root_, numbered(654'321)))->name, numbered(654'321));
    EXPECT_EQ(objects_.loads(), static_cast<std::size_t>(levels));
    EXPECT_FALSE(value(find_entry(objects_, root_, "file-0654321")).has_value());
    EXPECT_LE(objects_.loads(), 2u * static_cast<std::size_t>(levels));
    objects_.reset_counts();
    EXPECT_EQ(value(directory_entry_count(objects_, root_)), static_cast<std::uint64_t>(kCount));
    EXPECT_EQ(objects_.loads(), 1u);
  }

  MemoryObjects objects_;
  ObjectId root_;
};

TEST_F(MillionTest, OneEditAndOneLookupTouchOnlyThePagesOnTheirWay) {
  expect_one_page_loaded_per_level();
  for (const int i : {0, 1, 123'456, 500'000, 999'998, 999'999}) {
    expect_cheap({{numbered(i), file(numbered(i), 1)}});
    expect_cheap({{numbered(i), std::nullopt}});
    expect_cheap({{numbered(i) + "-new", file(numbered(i) + "-new")}});
  }
  expect_cheap({{"a", file("a")}});
  expect_cheap({{"z", file("z")}});
  expect_kilobytes_for_each_of(200);
}

}  // namespace
}  // namespace rb
