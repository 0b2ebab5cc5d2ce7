#include "tree/directory_builder.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "support/memory_objects.h"
#include "support/tree_samples.h"
#include "tree/directory_cursor.h"
#include "tree/page_boundary.h"

namespace rb {
namespace {

using samples::build;
using samples::check;
using samples::EntryMap;
using samples::numbered;
using samples::numbered_files;
using samples::value;

std::vector<Entry> listed(const EntryMap& entries) {
  std::vector<Entry> list;
  for (const auto& [name, entry] : entries)
    list.push_back(entry);
  return list;
}

TEST(DirectoryBuilderTest, NoEntriesAreOneEmptyLeaf) {
  MemoryObjects objects;
  const ObjectId root = build(objects, {});
  EXPECT_EQ(value(load_tree_page(objects, root)), TreePage{});
  EXPECT_EQ(objects.size(), 1u);
  EXPECT_EQ(value(directory_entry_count(objects, root)), 0u);
}

TEST(DirectoryBuilderTest, ASmallDirectoryIsOnePage) {
  MemoryObjects objects;
  const EntryMap entries = numbered_files(kPageItemsMin);
  const ObjectId root = build(objects, entries);
  EXPECT_EQ(value(load_tree_page(objects, root)).entries, listed(entries));
  EXPECT_EQ(objects.size(), 1u);
}

struct Shape {
  int levels = 0;
  std::size_t leaves = 0;
  std::size_t pages = 0;
};

void measure(MemoryObjects& objects, const ObjectId& id, Shape& shape, bool last) {
  const TreePage page = value(load_tree_page(objects, id));
  shape.levels = std::max(shape.levels, page.level + 1);
  shape.leaves += page.level == 0;
  ++shape.pages;
  const std::size_t items = page.level == 0 ? page.entries.size() : page.children.size();
  EXPECT_LE(items, kPageItemsMax);
  if (!last) {
    EXPECT_GE(items, kPageItemsMin);
  }
  for (const PageChild& child : page.children) {
    measure(objects, child.id, shape, last && &child == &page.children.back());
  }
}

TEST(DirectoryBuilderTest, PagesHoldAboutSixtyFourItems) {
  MemoryObjects objects;
  const ObjectId root = build(objects, numbered_files(100'000));
  Shape shape;
  measure(objects, root, shape, true);
  EXPECT_NEAR(static_cast<double>(shape.leaves), 100'000 / 64.0, 200);
  EXPECT_EQ(shape.levels, 3);
  EXPECT_EQ(shape.pages, objects.size());  // nothing is put that is not used
}

// Every count up to a few pages: no root with a single child, nothing lost at an edge.
TEST(DirectoryBuilderTest, EveryCountOfEntries) {
  MemoryObjects objects;
  EntryMap entries;
  for (int i = 0; i < 400; ++i) {
    const ObjectId root = build(objects, entries);
    const TreePage page = value(load_tree_page(objects, root));
    if (page.level > 0) {
      EXPECT_GE(page.children.size(), 2u) << i;
    }
    EXPECT_EQ(value(read_directory(objects, root)), listed(entries)) << i;
    EXPECT_EQ(value(directory_entry_count(objects, root)), entries.size());
    entries.emplace(numbered(i), samples::file(numbered(i)));
  }
}

TEST(DirectoryBuilderTest, HeavyEntriesClosePagesEarly) {
  MemoryObjects objects;
  EntryMap entries = numbered_files(40);
  for (auto& [name, entry] : entries) {
    for (int x = 0; x < 100; ++x) {
      entry.xattrs.push_back({.name = "user." + numbered(x), .value = Bytes(500, 1), .chunk = std::nullopt});
    }
  }
  const ObjectId root = build(objects, entries);
  EXPECT_EQ(value(load_tree_page(objects, root)).children.size(), 14u);  // 3 of them reach the limit
  EXPECT_EQ(value(read_directory(objects, root)), listed(entries));
}

TEST(DirectoryBuilderTest, LongNamesKeepInnerPagesSmall) {
  MemoryObjects objects;
  EntryMap entries;
  for (int i = 0; i < 3000; ++i) {
    const std::string name = numbered(i) + std::string(4000, 'x');
    entries.emplace(name, samples::file(name));
  }
  const ObjectId root = build(objects, entries);
  EXPECT_EQ(value(read_directory(objects, root)), listed(entries));
  EXPECT_GE(value(load_tree_page(objects, root)).level, 2);
}

// Takes over every page that may be, opens the others, and puts one entry more in between.
void copy_with_extra(MemoryObjects& objects, DirectoryBuilder& builder, const TreePage& page, bool last,
                     const Entry& extra, bool& extra_done) {
  for (const Entry& entry : page.entries) {
    if (!extra_done && extra.name < entry.name) {
      check(builder.add(extra));
      extra_done = true;
    }
    check(builder.add(entry));
  }
  for (std::size_t i = 0; i < page.children.size(); ++i) {
    const bool child_last = last && i + 1 == page.children.size();
    // Without looking into the next sibling's page: the extra may be in this one if it is less than what
    // follows.
    const bool may_hold_extra =
        !extra_done && (i + 1 == page.children.size() || extra.name < page.children[i + 1].first_name);
    if (!may_hold_extra && value(builder.add_page(page.children[i], page.level - 1, child_last))) continue;
    copy_with_extra(objects, builder, value(load_tree_page(objects, page.children[i].id)), child_last, extra,
                    extra_done);
  }
}

TEST(DirectoryBuilderTest, PagesTakenOverMeanTheSameAsTheirEntries) {
  EXPECT_TRUE(rc::check("add_page means the same as its entries", [] {
    const int count = *rc::gen::inRange(1, 6000);
    const Entry extra = samples::file(numbered(*rc::gen::inRange(0, count + 1)) + "-extra");
    MemoryObjects objects;
    EntryMap entries = numbered_files(count);
    const TreePage root = value(load_tree_page(objects, build(objects, entries)));
    DirectoryBuilder builder(objects);
    bool extra_done = false;
    copy_with_extra(objects, builder, root, true, extra, extra_done);
    if (!extra_done) check(builder.add(extra));
    entries.emplace(extra.name, extra);
    RC_ASSERT(builder.entry_count() == entries.size());
    RC_ASSERT(value(builder.finish()) == build(objects, entries));
  }));
}

TEST(DirectoryBuilderTest, TheLastPageMayHaveToGrow) {
  MemoryObjects objects;
  const ObjectId root = build(objects, numbered_files(5000));
  const TreePage page = value(load_tree_page(objects, root));
  DirectoryBuilder builder(objects);
  EXPECT_FALSE(value(builder.add_page(page.children.back(), page.level - 1, true)));
  EXPECT_FALSE(
      value(builder.add_last_page(page.children.back(), page.level - 1)));  // there is none before it
  check(builder.add(samples::file("a")));
  EXPECT_FALSE(value(builder.add_page(page.children.front(), page.level - 1, false)));  // a page is open
}

}  // namespace
}  // namespace rb
