#include "tree/merge.h"

#include <random>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "support/memory_objects.h"
#include "support/tree_model.h"

namespace rb {
namespace {

using samples::build;
using samples::Node;
using samples::parse_tree;
using samples::render;
using samples::value;

struct MergeCase {
  const char* story;
  const char* base;  // nullptr: base is gone
  const char* head;
  const char* own;
  const char* merged;
};

std::string merged_text(const MergeCase& c) {
  MemoryObjects objects(MemoryObjects::RefCheck::on);
  MergeInput input;
  if (c.base != nullptr) input.base = samples::store_root(objects, parse_tree(c.base));
  input.head = samples::store_root(objects, parse_tree(c.head));
  input.own = samples::store_root(objects, parse_tree(c.own));
  const ObjectId root = value(merge_trees(objects, objects, input));
  const Node node = samples::load_root(objects, root);
  EXPECT_EQ(root, samples::store_root(objects, node)) << c.story;  // canonical
  return render(node);
}

void run_cases(const std::vector<MergeCase>& cases) {
  for (const MergeCase& c : cases)
    EXPECT_EQ(merged_text(c), render(parse_tree(c.merged))) << c.story;
}

// "z" differs between base, head and own in every case, so that no tree is taken whole.
TEST(MergeTest, FilesChangedRemovedAndAddedOnEitherSide) {
  run_cases({
      {"same, same", "a=1 z=1", "a=1 z=2", "a=1 z=3", "a=1 z=3"},
      {"same, changed", "a=1 z=1", "a=1 z=2", "a=2 z=3", "a=2 z=3"},
      {"same, removed", "a=1 z=1", "a=1 z=2", "z=3", "z=3"},
      {"changed, same", "a=1 z=1", "a=2 z=2", "a=1 z=3", "a=2 z=3"},
      {"changed, changed", "a=1 z=1", "a=2 z=2", "a=3 z=3", "a=3 z=3"},
      {"changed alike", "a=1 z=1", "a=2 z=2", "a=2 z=3", "a=2 z=3"},
      {"changed, removed: -d removes only what base had", "a=1 z=1", "a=2 z=2", "z=3", "a=2 z=3"},
      {"removed, same: stays removed", "a=1 z=1", "z=2", "a=1 z=3", "z=3"},
      {"removed, changed", "a=1 z=1", "z=2", "a=2 z=3", "a=2 z=3"},
      {"removed, removed", "a=1 z=1", "z=2", "z=3", "z=3"},
      {"none, added", "z=1", "z=2", "a=1 z=3", "a=1 z=3"},
      {"added, none", "z=1", "a=1 z=2", "z=3", "a=1 z=3"},
      {"added, added", "z=1", "a=1 z=2", "a=2 z=3", "a=2 z=3"},
      {"added alike", "z=1", "a=1 z=2", "a=1 z=3", "a=1 z=3"},
  });
}

TEST(MergeTest, OneSideThatDidNothingLeavesTheOther) {
  run_cases({
      {"head did nothing", "a=1 d/x=1", "a=1 d/x=1", "b=1", "b=1"},
      {"we did nothing", "a=1 d/x=1", "b=1", "a=1 d/x=1", "b=1"},
      {"both did the same", "a=1 d/x=1", "b=1", "b=1", "b=1"},
  });
}

TEST(MergeTest, DirectoriesAreMergedEntryByEntry) {
  run_cases({
      {"different files", "d/x=1 d/y=1", "d/x=2 d/y=1", "d/x=1 d/y=2", "d/x=2 d/y=2"},
      {"both added", "d/", "d/x=1", "d/y=1", "d/x=1 d/y=1"},
      {"metadata here, content there", "d/x=1", "d/x=2", "d/@1 d/x=1", "d/@1 d/x=2"},
      {"content here, metadata there", "d/x=1", "d/@1 d/x=1", "d/x=2", "d/@1 d/x=2"},
      {"metadata on both: ours", "d/x=1", "d/@1 d/x=1", "d/@2 d/x=1", "d/@2 d/x=1"},
      {"deep", "a/b/c/x=1 a/b/c/y=1", "a/b/c/x=2 a/b/c/y=1", "a/b/c/x=1 a/b/c/y=2", "a/b/c/x=2 a/b/c/y=2"},
      {"both made it", "", "d/@1 d/x=1", "d/@2 d/y=1", "d/@2 d/x=1 d/y=1"},
  });
}

TEST(MergeTest, DirectoriesRemovedOnOneSide) {
  run_cases({
      {"we removed it, head changed a file in it: that stays, and the directory with it", "d/x=1 d/y=1",
       "d/x=2 d/y=1", "", "d/x=2"},
      {"we removed it, head added to it", "d/x=1", "d/x=1 d/new=1", "", "d/new=1"},
      {"we removed it, head changed something deep inside", "d/e/f/x=1 d/e/y=1 d/z=1",
       "d/e/f/x=2 d/e/y=1 d/z=1", "", "d/e/f/x=2"},
      {"we removed it, head changed only its metadata", "d/x=1", "d/@1 d/x=1", "", "d/@1"},
      {"we removed it, head removed something in it", "d/x=1 d/y=1", "d/x=1", "", ""},
      {"head removed it, we changed a file in it", "d/x=1 d/y=1", "", "d/x=2 d/y=1", "d/x=2"},
      {"head removed it, we added to it", "d/x=1", "", "d/@1 d/x=1 d/new=1", "d/@1 d/new=1"},
      {"head removed it, we removed something in it", "d/x=1 d/y=1 z=1", "z=1", "d/x=1 z=2", "z=2"},
      {"head removed it, we did nothing", "d/x=1 z=1", "z=1", "d/x=1 z=2", "z=2"},
      {"we removed an empty one, head filled it", "d/ z=1", "d/x=1 z=1", "z=2", "d/x=1 z=2"},
  });
}

TEST(MergeTest, ChangesOfType) {
  run_cases({
      {"we made it a file", "d/x=1 z=1", "d/x=1 z=2", "d=1 z=1", "d=1 z=2"},
      {"we made it a file, head changed what is in it: the later commit", "d/x=1", "d/x=2", "d=1", "d=1"},
      {"head made it a file", "d/x=1 z=1", "d=1 z=1", "d/x=1 z=2", "d=1 z=2"},
      {"head made it a file, we changed what is in it: ours, and the rest is what head left", "d/x=1 d/y=1",
       "d=1", "d/x=2 d/y=1", "d/x=2"},
      {"head made it a file, we changed its metadata", "d/x=1", "d=1", "d/@1 d/x=1", "d/@1"},
      {"head made it a file, we removed it", "d/x=1 z=1", "d=1 z=1", "z=2", "d=1 z=2"},
      {"we made it a directory", "d=1 z=1", "d=1 z=2", "d/x=1 z=1", "d/x=1 z=2"},
      {"we made it a directory, head changed the file", "d=1", "d=2", "d/x=1", "d/x=1"},
      {"head made it a directory", "d=1 z=1", "d/x=1 z=1", "d=1 z=2", "d/x=1 z=2"},
      {"head made it a directory, we changed the file", "d=1", "d/x=1", "d=2", "d=2"},
      {"head made it a directory, we removed the file", "d=1 z=1", "d/x=1 z=1", "z=2", "d/x=1 z=2"},
      {"we made it a directory, head removed the file", "d=1 z=1", "z=2", "d/x=1 z=1", "d/x=1 z=2"},
      {"added as a file and as a directory: the later", "z=1", "d=1 z=2", "d/x=1 z=3", "d/x=1 z=3"},
      {"added as a directory and as a file: the later", "z=1", "d/x=1 z=2", "d=1 z=3", "d=1 z=3"},
  });
}

TEST(MergeTest, AMarkIsNoChange) {
  run_cases({
      {"we marked what head changed", "a=1 z=1", "a=2 z=1", "a=1! z=2", "a=2 z=2"},
      {"head marked what we changed", "a=1 z=1", "a=1! z=1", "a=2 z=2", "a=2 z=2"},
      {"we marked it", "a=1 z=1", "a=1 z=2", "a=1! z=1", "a=1! z=2"},
      {"head marked it", "a=1 z=1", "a=1! z=1", "a=1 z=2", "a=1! z=2"},
      {"both marked it: set once", "a=1 z=1", "a=1! z=1", "a=1!! z=2", "a=1! z=2"},
      {"head saw it again", "a=1! z=1", "a=1 z=1", "a=1! z=2", "a=1 z=2"},
      {"we saw it again", "a=1! z=1", "a=1! z=1", "a=1 z=2", "a=1 z=2"},
      {"head saw it again, we marked it anew", "a=1! z=1", "a=1 z=1", "a=1!! z=2", "a=1!! z=2"},
      {"we removed what head marked", "a=1 z=1", "a=1! z=1", "z=2", "z=2"},
      {"we marked what head removed", "a=1 z=1", "z=1", "a=1! z=2", "z=2"},
      {"we removed a directory that head marked", "d/x=1 z=1", "d/! d/x=1 z=1", "z=2", "z=2"},
      {"we removed a directory in which head marked a file", "d/x=1 z=1", "d/x=1! z=1", "z=2", "z=2"},
      {"we marked a directory that head removed", "d/x=1 z=1", "z=1", "d/! d/x=1 z=2", "z=2"},
      {"we marked a directory in which head changed something: head saw it", "d/x=1 z=1", "d/x=2 z=1",
       "d/! d/x=1 z=2", "d/x=2 z=2"},
      {"head marked a directory in which we changed something", "d/x=1 z=1", "d/! d/x=1 z=1", "d/x=2 z=2",
       "d/x=2 z=2"},
      {"we marked a file that head made a directory", "a=1 z=1", "a/x=1 z=1", "a=1! z=2", "a/x=1 z=2"},
      {"head marked a file that we made a directory", "a=1 z=1", "a=1! z=1", "a/x=1 z=2", "a/x=1 z=2"},
  });
}

TEST(MergeTest, AnImpliedEntryNeverReplacesARealOne) {
  run_cases({
      {"ours implied, head's real", "z=1", "d/@1 d/x=1 z=2", "~d/ d/y=1 z=3", "d/@1 d/x=1 d/y=1 z=3"},
      {"head's implied, ours real", "z=1", "~d/ d/x=1 z=2", "d/@1 d/y=1 z=3", "d/@1 d/x=1 d/y=1 z=3"},
      {"both implied, as different: head's", "z=1", "~d/@1 d/x=1 z=2", "~d/@2 d/y=1 z=3",
       "~d/@1 d/x=1 d/y=1 z=3"},
      {"both changed an implied one: head's", "~d/ d/x=1", "~d/@1 d/x=2", "~d/@2 d/y=1 d/x=1",
       "~d/@1 d/x=2 d/y=1"},
      {"we alone changed an implied one", "~d/ d/x=1", "~d/ d/x=2", "~d/@2 d/x=1", "~d/@2 d/x=2"},
      {"head read what was implied", "~d/ d/x=1", "d/@1 d/x=1", "~d/@2 d/x=2", "d/@1 d/x=2"},
      {"we read what was implied", "~d/ d/x=1", "~d/@1 d/x=2", "d/@2 d/x=1", "d/@2 d/x=2"},
      {"head removed it and made it implied; ours is real", "d/@1 d/x=1", "~d/ d/y=1", "d/@1 d/x=1 d/w=1",
       "d/@1 d/w=1 d/y=1"},
      {"ours implied with something new, head's a file", "z=1", "d=1 z=2", "~d/ d/x=1 z=3", "~d/ d/x=1 z=3"},
      {"ours implied with nothing new, head's a file", "~d/ d/x=1 z=1", "d=1 z=2", "~d/@1 d/x=1 z=3",
       "d=1 z=3"},
      {"ours implied, less in it than was, head's a file", "~d/ d/x=1 d/y=1 z=1", "d=1 z=2", "~d/ d/x=1 z=3",
       "d=1 z=3"},
      {"head's implied with something new, ours the same file", "d=1 z=1", "~d/ d/x=1 z=2", "d=1! z=3",
       "~d/ d/x=1 z=3"},
      {"head's implied, ours another file", "d=1 z=1", "~d/ d/x=1 z=2", "d=2 z=3", "d=2 z=3"},
      {"we removed an implied one, head wrote beneath", "~d/ d/x=1 z=1", "~d/ d/x=1 d/y=1 z=1", "z=2",
       "~d/ d/y=1 z=2"},
      {"we removed an implied one, head implied it anew", "~d/ d/x=1 z=1", "~d/@1 d/x=1 z=1", "z=2", "z=2"},
  });
}

TEST(MergeTest, WithoutBaseNothingIsRemovedAndOursWins) {
  run_cases({
      {"entries of both", nullptr, "a=1 d/x=1", "b=1 d/y=1", "a=1 b=1 d/x=1 d/y=1"},
      {"ours wins", nullptr, "a=1 d/@1 d/x=1", "a=2 d/@2 d/x=2", "a=2 d/@2 d/x=2"},
      {"an implied one does not", nullptr, "d/@1 d/x=1", "~d/ d/y=1", "d/@1 d/x=1 d/y=1"},
      {"another type", nullptr, "a=1 d/x=1", "a/y=1 d=1", "a/y=1 d=1"},
  });
}

TEST(MergeTest, WithoutHeadOursIsTheResult) {
  MemoryObjects objects;
  const ObjectId own = samples::store_root(objects, parse_tree("a=1"));
  const ObjectId base = samples::store_root(objects, parse_tree("b=1"));
  EXPECT_EQ(value(merge_trees(objects, objects, {std::nullopt, std::nullopt, own})), own);
  EXPECT_EQ(value(merge_trees(objects, objects, {base, std::nullopt, own})), own);
}

// What differs only in being known to have nothing beneath, and having an empty directory page.
TEST(MergeTest, NothingBeneathAndAnEmptyDirectoryAreKeptApart) {
  const auto with = [](bool contents, int salt, const char* more) {
    Node root = parse_tree(more);
    Node dir = samples::directory_node("d", salt);
    if (!contents) dir.contents.reset();
    root.contents->emplace("d", dir);
    return root;
  };
  MemoryObjects objects(MemoryObjects::RefCheck::on);
  const ObjectId base = samples::store_root(objects, with(false, 0, "z=1"));
  const ObjectId head = samples::store_root(objects, with(false, 1, "z=2"));
  const ObjectId own = samples::store_root(objects, with(true, 0, "z=3"));
  const auto merge = [&](const ObjectId& b, const ObjectId& h, const ObjectId& o) {
    return samples::load_root(objects, value(merge_trees(objects, objects, {b, h, o})));
  };
  EXPECT_EQ(merge(base, head, own), with(true, 1, "z=3"));
  EXPECT_EQ(merge(base, own, head), with(true, 1, "z=2"));
  EXPECT_EQ(merge(own, base, head), with(false, 1, "z=2"));
}

// Directories of many pages in which both sides changed little: only the pages on the way are read and
// written.
TEST(MergeTest, LoadsOnlyWhatDiffers) {
  MemoryObjects objects;
  samples::EntryMap base = samples::numbered_files(100'000);
  samples::EntryMap head = base;
  samples::EntryMap own = base;
  head.at(samples::numbered(20'000)) = samples::file(samples::numbered(20'000), 1);
  head.emplace("zzz", samples::file("zzz"));
  own.at(samples::numbered(80'000)) = samples::file(samples::numbered(80'000), 2);
  own.erase(samples::numbered(50'000));
  samples::EntryMap merged = head;
  merged.at(samples::numbered(80'000)) = own.at(samples::numbered(80'000));
  merged.erase(samples::numbered(50'000));
  const MergeInput input{build(objects, base), build(objects, head), build(objects, own)};
  const ObjectId expected = build(objects, merged);
  objects.reset_counts();
  EXPECT_EQ(value(merge_trees(objects, objects, input)), expected);
  EXPECT_LE(objects.loads(), 60u);
  EXPECT_LE(objects.puts(), 30u);
  EXPECT_EQ(objects.new_objects(), 0u);
}

// A directory in a directory, 5000 deep, with a file at the bottom and a change of metadata all the way.
ObjectId store_deep(ObjectSink& sink, int depth, int salt, const char* name) {
  samples::EntryMap entries = {{name, samples::file(name)}};
  for (int i = 0; i < depth; ++i)
    entries = {{"d", samples::directory("d", build(sink, entries), salt)}};
  return build(sink, {{"", samples::directory("", build(sink, entries), salt)}});
}

TEST(MergeTest, DeepTrees) {
  MemoryObjects objects;
  const int depth = 5000;
  const MergeInput input{store_deep(objects, depth, 0, "a"), store_deep(objects, depth, 1, "b"),
                         store_deep(objects, depth, 2, "c")};
  const ObjectId root = value(merge_trees(objects, objects, input));
  const PathComponents path(static_cast<std::size_t>(depth), "d");
  const Entry bottom = *value(find_path(objects, root, path));
  EXPECT_EQ(bottom.mtime.seconds, 1'600'000'002);
  const std::vector<Entry> entries = value(read_directory(objects, bottom.content));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "b");
  EXPECT_EQ(entries[1].name, "c");
}

TEST(MergeTest, TreesTooDeepAreCorrupt) {
  MemoryObjects objects;
  const int depth = kMaxDirectoryDepth + 1;
  const MergeInput input{store_deep(objects, depth, 0, "a"), store_deep(objects, depth, 1, "b"),
                         store_deep(objects, depth, 2, "c")};
  EXPECT_EQ(merge_trees(objects, objects, input).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace rb
