#include "tree/root_tree.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "support/memory_objects.h"
#include "support/tree_model.h"

namespace rb {
namespace {

using samples::parse_tree;
using samples::render;
using samples::value;

TEST(RootTreeTest, SplitAndJoin) {
  const auto check = [](const char* path, const PathComponents& expected, const char* joined) {
    EXPECT_EQ(value(split_path(path)), expected) << path;
    EXPECT_EQ(join_path(expected), joined);
  };
  check("/", {}, "/");
  check("///", {}, "/");
  check("/a", {"a"}, "/a");
  check("/a//b/", {"a", "b"}, "/a/b");
  check("/..a/.b/c..", {"..a", ".b", "c.."}, "/..a/.b/c..");
  check("/a\nb/\xff", {"a\nb", "\xff"}, "/a\nb/\xff");
  for (const std::string& bad : {std::string(), std::string("a"), std::string("a/b"), std::string("/a/../b"),
                                 std::string("/."), std::string("/a/.."), std::string("/a\0b", 4)}) {
    EXPECT_EQ(split_path(bad).error().code, Errc::invalid_argument) << bad;
  }
}

class SpliceTest : public testing::Test {
 protected:
  using Word = std::pair<const char*, std::optional<Entry>>;

  // Implied entries with mode 0700 + salt, from "/" down to the parent.
  static std::vector<Entry> ancestors(const PathComponents& path, unsigned salt = 0) {
    std::vector<Entry> entries;
    for (std::size_t i = 0; i < path.size(); ++i) {
      entries.push_back(samples::implied(i == 0 ? "" : path[i - 1], 0700 + salt));
    }
    return entries;
  }

  std::string splice(const char* before, const char* at, std::optional<Entry> entry, unsigned salt = 0) {
    const PathComponents path = value(split_path(at));
    const ObjectId root = samples::store_root(objects_, parse_tree(before));
    const ObjectId changed =
        value(splice_path(objects_, objects_, root, path, ancestors(path, salt), std::move(entry)));
    const samples::Node node = samples::load_root(objects_, changed);
    // It is the tree that one would have built.
    EXPECT_EQ(changed, samples::store_root(objects_, node)) << at;
    return render(node);
  }

  MemoryObjects objects_{MemoryObjects::RefCheck::on};
};

TEST_F(SpliceTest, PutsReplacesAndRemoves) {
  EXPECT_EQ(splice("a=1 d/x=1", "/b", samples::file("?", 2)), "a=1 b=2 d/ d/x=1");
  EXPECT_EQ(splice("a=1 d/x=1", "/d/y", samples::file("?", 2)), "a=1 d/ d/x=1 d/y=2");
  EXPECT_EQ(splice("a=1 d/x=1", "/d/x", samples::file("?", 2)), "a=1 d/ d/x=2");
  EXPECT_EQ(splice("a=1 d/x=1", "/d/x", std::nullopt), "a=1 d/");
  EXPECT_EQ(splice("a=1 d/x=1", "/d", std::nullopt), "a=1");
  EXPECT_EQ(splice("a=1 d/x=1", "/d", samples::file("?", 3)), "a=1 d=3");
}

TEST_F(SpliceTest, AncestorsAreMadeImplied) {
  EXPECT_EQ(splice("", "/a/b/c", samples::file("?", 1), 2), "~a/@2 ~a/b/@2 a/b/c=1");
  EXPECT_EQ(splice("a=1", "/a/b", samples::file("?", 1)), "~a/ a/b=1");            // a type changed
  EXPECT_EQ(splice("a/@1 b=1", "/a/b", samples::file("?", 1)), "a/@1 a/b=1 b=1");  // those that are real stay
  EXPECT_EQ(splice("~a/@1 a/x=1", "/a/b", samples::file("?", 1), 2), "~a/@2 a/b=1 a/x=1");
}

// Or the mark on a directory would hide what was seen in it just now.
TEST_F(SpliceTest, AMarkAboveMovesToWhatStandsBeside) {
  const Entry seen = samples::file("?", 2);
  EXPECT_EQ(splice("a/!", "/a/b", seen), "a/ a/b=2");
  EXPECT_EQ(splice("a/! a/b=1 a/c=1 z=1", "/a/b", seen), "a/ a/b=2 a/c=1! z=1");
  EXPECT_EQ(splice("a/! a/c=1!! a/d/x=1", "/a/b", seen), "a/ a/b=2 a/c=1!! a/d/! a/d/x=1");
  EXPECT_EQ(splice("a/! a/b/c=1 a/b/x=1 a/y=1", "/a/b/c", seen), "a/ a/b/ a/b/c=2 a/b/x=1! a/y=1!");
  EXPECT_EQ(splice("a/b/! a/b/x=1 a/y=1", "/a/b/c", seen), "a/ a/b/ a/b/c=2 a/b/x=1! a/y=1");
  // Nobody saw anything.
  Entry carried = seen;
  carried.kept = Kept{KeptReason::absent, {100, 0}};
  EXPECT_EQ(splice("a/! a/c=1", "/a/b", carried), "a/! a/b=2! a/c=1");
  EXPECT_EQ(splice("a/! a/b=1 a/c=1", "/a/b", std::nullopt), "a/! a/c=1");
}

TEST_F(SpliceTest, RemovingWhatIsNotThereChangesNothing) {
  for (const char* path : {"/b", "/a/b", "/d/z", "/q/r/s", "/d/x/y"}) {
    EXPECT_EQ(splice("a=1 ~d/ d/x=1", path, std::nullopt, 5), "a=1 ~d/ d/x=1") << path;
  }
}

TEST_F(SpliceTest, TheRootItself) {
  MemoryObjects& o = objects_;
  const ObjectId made =
      value(splice_path(o, o, std::nullopt, {}, {}, samples::directory("?", std::nullopt, 3)));
  EXPECT_EQ(value(find_path(o, made, {}))->mtime.seconds, 1'600'000'003);
  EXPECT_EQ(value(find_path(o, made, {}))->name, "");
  const ObjectId replaced = value(splice_path(o, o, made, {}, {}, samples::directory("?", std::nullopt, 4)));
  EXPECT_EQ(value(find_path(o, replaced, {}))->mtime.seconds, 1'600'000'004);
  EXPECT_EQ(value(directory_entry_count(o, replaced)), 1u);
  const ObjectId empty = value(splice_path(o, o, made, {}, {}, std::nullopt));
  EXPECT_EQ(value(directory_entry_count(o, empty)), 0u);
  EXPECT_EQ(value(splice_path(o, o, std::nullopt, {"a", "b"}, {}, std::nullopt)), empty);
}

TEST_F(SpliceTest, FindsPaths) {
  const ObjectId root = samples::store_root(objects_, parse_tree("a=1 d/e/x=1"));
  const auto found = [&](const char* path) {
    const std::optional<Entry> entry = value(find_path(objects_, root, value(split_path(path))));
    return entry ? entry->name : "none";
  };
  EXPECT_EQ(found("/"), "");
  EXPECT_EQ(found("/d/e"), "e");
  EXPECT_EQ(found("/d/e/x"), "x");
  EXPECT_EQ(found("/d/e/y"), "none");
  EXPECT_EQ(found("/a/x"), "none");
}

TEST_F(SpliceTest, AnAncestorThatNobodyDescribedIsRefused) {
  const auto result =
      splice_path(objects_, objects_, std::nullopt, {"a", "b"}, {samples::implied("")}, samples::file("b"));
  EXPECT_EQ(result.error().code, Errc::invalid_argument);
}

TEST_F(SpliceTest, FieldsOfALaterVersionSurvive) {
  Entry dir = samples::implied("d");
  dir.unknown = {{.tag = 129, .value = {1, 2, 3}}};
  const std::vector<Entry> way = ancestors({"d", "x"}, 7);
  ObjectId root = value(splice_path(objects_, objects_, std::nullopt, {"d"}, {way[0]}, dir));
  root = value(splice_path(objects_, objects_, root, {"d", "x"}, way, samples::file("x")));
  const Entry found = *value(find_path(objects_, root, {"d"}));
  EXPECT_EQ(found.unknown, dir.unknown);
  EXPECT_EQ(found.mode, 0707u);
}

// Paths deeper than PATH_MAX, on the stack of an ordinary thread.
TEST_F(SpliceTest, DeepPaths) {
  const PathComponents path(5000, "d");
  const ObjectId root =
      value(splice_path(objects_, objects_, std::nullopt, path, ancestors(path), samples::file("x")));
  EXPECT_EQ(value(find_path(objects_, root, path))->type, EntryType::file);
  objects_.reset_counts();
  EXPECT_NE(value(splice_path(objects_, objects_, root, path, ancestors(path), samples::file("x", 1))), root);
  EXPECT_LE(objects_.loads(), 3 * path.size() + 3);
  const PathComponents too_deep(kMaxDirectoryDepth + 1, "d");
  EXPECT_EQ(splice_path(objects_, objects_, root, too_deep, {}, std::nullopt).error().code,
            Errc::invalid_argument);
}

}  // namespace
}  // namespace rb
