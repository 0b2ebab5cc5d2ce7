// Two clients of one node at once: what is in the copy afterwards. The second run happens as a whole while
// the first stands just before its commit, which is the worst moment: it has seen nothing of the other.
#include <gmock/gmock.h>

#include "support/answer_dropping_proxy.h"
#include "support/backup_bench.h"

namespace rb::test {
namespace {

using testing::Contains;
using testing::Key;
using testing::Not;
using testing::Pair;

class ConcurrentCommits : public BackupBench {
 protected:
  // `first` walks, then `meanwhile` happens, then `first` commits.
  BackupReport interrupted(Run first, std::function<void()> meanwhile) {
    bool done = false;
    first.hooks.before_commit = [&](Session&, const CommitRequest&) {
      if (!std::exchange(done, true)) meanwhile();
    };
    const auto report = back_up(first);
    EXPECT_TRUE(report) << report.error().message;
    EXPECT_TRUE(done);
    return report.value_or(BackupReport());
  }
  void expect_success(const Run& run) {
    const auto report = back_up(run);
    EXPECT_TRUE(report) << report.error().message;
  }
};

TEST_F(ConcurrentCommits, DisjointPaths) {
  write("a/file", "one");
  write("b/file", "two");
  const BackupReport report =
      interrupted({.path = "a"}, [&] { expect_success({.path = "b", .cache = "other"}); });
  EXPECT_TRUE(report.merged);
  EXPECT_EQ(copy(), on_disk());
  EXPECT_EQ(history().size(), 2u);
}

TEST_F(ConcurrentCommits, DisjointPathsWithHistory) {
  write("a/file", "one");
  write("b/file", "two");
  expect_success({.flags = "-rd"});
  write("a/file", "one, changed");
  remove("b/file");
  write("b/new", "three");
  interrupted({.path = "a", .flags = "-rd"},
              [&] { expect_success({.path = "b", .flags = "-rd", .cache = "other"}); });
  EXPECT_EQ(copy(), on_disk());
}

// The inner path's run is the one that commits first, and then the outer path's.
class NestedPaths : public ConcurrentCommits, public testing::WithParamInterface<const char*> {};

TEST_P(NestedPaths, InBothOrders) {
  const bool outer_is_first = std::string(GetParam()) == "outer first";
  write("file", "outer");
  write("sub/file", "inner");
  expect_success({});
  write("file", "outer, changed");
  write("sub/file", "inner, changed");
  const Run outer{.cache = "outer"}, inner{.path = "sub", .cache = "inner"};
  interrupted(outer_is_first ? inner : outer, [&] {
    write("sub/new", "seen by the second only");
    expect_success(outer_is_first ? outer : inner);
  });
  EXPECT_EQ(copy(), on_disk());
}

INSTANTIATE_TEST_SUITE_P(All, NestedPaths, testing::Values("outer first", "inner first"));

TEST_F(ConcurrentCommits, TheSamePathWithTheSameContents) {
  write("file", chunk_of_noise(1));
  const BackupReport report = interrupted({}, [&] { expect_success({.cache = "other"}); });
  EXPECT_TRUE(report.merged);
  EXPECT_EQ(copy(), on_disk());
  EXPECT_EQ(history().size(), 2u);
}

TEST_F(ConcurrentCommits, TheSamePathWithDifferentContents) {
  write("both", "as the first saw it");
  write("untouched", "the same");
  expect_success({});
  write("both", "as the first saw it, later");
  interrupted({}, [&] {
    write("both", "as the second saw it");
    write("second", "new");
    expect_success({.cache = "other"});
  });
  // Both changed it: the later commit's is the copy, the earlier commit's is in the history.
  EXPECT_THAT(copy(), Contains(Pair("both", "as the first saw it, later")));
  EXPECT_THAT(copy(), Contains(Pair("second", "new")));
  EXPECT_THAT(copy(history()[1]), Contains(Pair("both", "as the second saw it")));
}

TEST_F(ConcurrentCommits, WhatOnlyTheOtherChangedStaysAsTheOtherMadeIt) {
  write("theirs", "before");
  write("ours", "before");
  expect_success({});
  write("ours", "after");
  interrupted({}, [&] {
    write("theirs", "after");
    expect_success({.cache = "other"});
  });
  EXPECT_EQ(copy(), on_disk());
}

// -d removes what base had, not what came meanwhile.
TEST_F(ConcurrentCommits, DeletingOutsideKeepsWhatCameInsideMeanwhile) {
  write("old", "goes");
  write("sub/old", "goes too");
  expect_success({});
  remove("old");
  remove("sub/old");
  interrupted({.flags = "-rd"}, [&] {
    write("sub/new", "came meanwhile");
    expect_success({.path = "sub", .cache = "inner"});
  });
  EXPECT_EQ(copy(), on_disk());
}

TEST_F(ConcurrentCommits, DeletingInsideKeepsWhatCameOutsideMeanwhile) {
  write("old", "stays, nobody asked for its removal");
  write("sub/old", "goes");
  expect_success({});
  remove("old");
  remove("sub/old");
  interrupted({.path = "sub", .flags = "-rd", .cache = "inner"}, [&] {
    write("new", "came meanwhile");
    write("sub/new", "this too");
    expect_success({});
  });
  const Listing listing = copy();
  EXPECT_THAT(listing, Contains(Pair("old", "stays, nobody asked for its removal (kept)")));
  EXPECT_THAT(listing, Contains(Pair("new", "came meanwhile")));
  EXPECT_THAT(listing, Contains(Pair("sub/new", "this too")));
  EXPECT_THAT(listing, Not(Contains(Key("sub/old"))));
}

TEST_F(ConcurrentCommits, AFileChangedMeanwhileSurvivesTheOthersDeletion) {
  write("sub/file", "before");
  expect_success({});
  remove("sub/file");
  interrupted({.flags = "-rd"}, [&] {
    write("sub/file", "changed meanwhile");
    expect_success({.path = "sub", .cache = "inner"});
  });
  EXPECT_EQ(copy(), on_disk());
}

TEST_F(ConcurrentCommits, BothDelete) {
  write("keep", "here");
  write("sub/gone", "goes");
  expect_success({});
  remove("sub");
  interrupted({.flags = "-rd"}, [&] { expect_success({.flags = "-rd", .cache = "other"}); });
  EXPECT_EQ(copy(), on_disk());
}

TEST_F(ConcurrentCommits, ManyLosersInARow) {
  for (int i = 0; i < 5; ++i)
    write("dir" + std::to_string(i) + "/file", std::to_string(i));
  // Each stands before its commit while the next one runs.
  std::function<void(int)> nested = [&](int i) {
    const Run run{.path = "dir" + std::to_string(i), .cache = "cache" + std::to_string(i)};
    if (i == 4) return expect_success(run);
    interrupted(run, [&] { nested(i + 1); });
  };
  nested(0);
  EXPECT_EQ(copy(), on_disk());
  EXPECT_EQ(history().size(), 5u);
}

// The answer to a commit is lost on its way: the client repeats, and nothing happens twice.
TEST_F(ConcurrentCommits, ALostReply) {
  write("file", "content");
  AnswerDroppingProxy proxy(scratch_ / "proxy", served_.socket_path(), "PUT /v1/nodes/self/head", 1);
  const auto report = back_up({.socket = scratch_ / "proxy"});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(proxy.dropped(), 1);
  const auto snapshots = history();
  ASSERT_EQ(snapshots.size(), 1u);
  EXPECT_EQ(report->snapshot, snapshots[0]);
  EXPECT_EQ(copy(), on_disk());
}

TEST_F(ConcurrentCommits, ALostReplyOfAMergedCommit) {
  write("a/file", "one");
  write("b/file", "two");
  AnswerDroppingProxy proxy(scratch_ / "proxy", served_.socket_path(), "PUT /v1/nodes/self/head", 2);
  const BackupReport report = interrupted({.path = "a", .socket = scratch_ / "proxy"},
                                          [&] { expect_success({.path = "b", .cache = "other"}); });
  EXPECT_EQ(proxy.dropped(), 2) << "the conflict's and the success's";
  EXPECT_TRUE(report.merged);
  EXPECT_EQ(history().size(), 2u);
  EXPECT_EQ(copy(), on_disk());
}

// Between the lost answer and its repetition the session ends, and another client commits.
TEST_F(ConcurrentCommits, ALostReplyAndAFence) {
  write("a/file", "one");
  write("b/file", "two");
  AnswerDroppingProxy proxy(scratch_ / "proxy", served_.socket_path(), "PUT /v1/nodes/self/head", 1, [&] {
    served_.fence_all();
    expect_success({.path = "b", .cache = "other"});
  });
  const auto report = back_up({.path = "a", .socket = scratch_ / "proxy"});
  ASSERT_TRUE(report) << report.error().message;
  const auto snapshots = history();
  ASSERT_EQ(snapshots.size(), 2u);
  EXPECT_EQ(report->snapshot, snapshots[1]) << "the commit that was made, not a second one";
  EXPECT_EQ(copy(), on_disk());
}

}  // namespace
}  // namespace rb::test
