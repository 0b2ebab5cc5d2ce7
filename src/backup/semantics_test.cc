// What a run does to the copy: a tree and a copy before, options, the copy after. Design, section 1.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_test_support.h"
#include "backup/mount_mark.h"
#include "backup/object_uploader.h"
#include "base/random.h"
#include "store/object_reader.h"
#include "tree/root_tree.h"

namespace rb::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Change = std::function<void(const std::string& tree)>;
using Lines = std::vector<std::string>;

struct Case {
  const char* name;
  Change before;      // makes the tree, which is backed up with -r
  Change change;      // what happens then
  const char* flags;  // of the second run
  std::vector<std::string> excludes;
  Lines after;  // the copy
};

void add(const std::string& tree, const std::string& name, std::string_view content = "x") {
  write_file(tree + "/" + name, content);
}

Change nothing() {
  return [](const std::string&) {};
}
Change files_and_subdirectory() {
  return [](const std::string& tree) {
    add(tree, "a");
    add(tree, "b");
    make_directory(tree + "/sub");
    add(tree, "sub/c");
    add(tree, "sub/d");
  };
}
Change remove(std::vector<std::string> names) {
  return [names](const std::string& tree) {
    for (const std::string& name : names)
      remove_all(tree + "/" + name);
  };
}

const Case kCases[] = {
    {"NewAndChangedFiles",
     files_and_subdirectory(),
     [](const std::string& tree) {
       add(tree, "a", "changed");
       add(tree, "sub/new", "new");
     },
     "-r",
     {},
     {"./", "a = changed", "b = x", "sub/", "sub/c = x", "sub/d = x", "sub/new = new"}},

    {"WithoutDWhatIsGoneStays",
     files_and_subdirectory(),
     remove({"a", "sub/c"}),
     "-r",
     {},
     {"./", "a = x (kept absent)", "b = x", "sub/", "sub/c = x (kept absent)", "sub/d = x"}},
    {"WithDWhatIsGoneLeaves",
     files_and_subdirectory(),
     remove({"a", "sub/c"}),
     "-rd",
     {},
     {"./", "b = x", "sub/", "sub/d = x"}},
    {"AMissingDirectoryIsMarkedAtTheTopOnly",
     files_and_subdirectory(),
     remove({"sub"}),
     "-r",
     {},
     {"./", "a = x", "b = x", "sub/ (kept absent)", "sub/c = x", "sub/d = x"}},
    {"WithDAMissingDirectoryLeaves",
     files_and_subdirectory(),
     remove({"sub"}),
     "-rd",
     {},
     {"./", "a = x", "b = x"}},

    {"WithoutRSubdirectoriesAreLeftAlone",
     files_and_subdirectory(),
     [](const std::string& tree) {
       add(tree, "a", "changed");
       add(tree, "sub/c", "changed");
       make_directory(tree + "/newsub");
       add(tree, "new");
     },
     "",
     {},
     {"./", "a = changed", "b = x", "new = x", "sub/", "sub/c = x", "sub/d = x"}},
    {"WithDButNotROnlyFilesDirectlyInItLeave",
     files_and_subdirectory(),
     remove({"a", "sub"}),
     "-d",
     {},
     {"./", "b = x", "sub/", "sub/c = x", "sub/d = x"}},
    {"WithoutRAndDNothingLeaves",
     files_and_subdirectory(),
     remove({"a", "sub"}),
     "",
     {},
     {"./", "a = x (kept absent)", "b = x", "sub/", "sub/c = x", "sub/d = x"}},

    {"AFileThatBecameADirectoryIsReplaced",
     files_and_subdirectory(),
     [](const std::string& tree) {
       remove_all(tree + "/a");
       make_directory(tree + "/a");
       add(tree, "a/inner");
     },
     "-r",
     {},
     {"./", "a/", "a/inner = x", "b = x", "sub/", "sub/c = x", "sub/d = x"}},
    {"ADirectoryThatBecameALinkIsReplaced",
     files_and_subdirectory(),
     [](const std::string& tree) {
       remove_all(tree + "/sub");
       ASSERT_EQ(::symlink("a", (tree + "/sub").c_str()), 0);
     },
     "-r",
     {},
     {"./", "a = x", "b = x", "sub -> a"}},
    {"WithoutRADirectoryThatBecameAFileIsReplaced",
     files_and_subdirectory(),
     [](const std::string& tree) {
       remove_all(tree + "/sub");
       add(tree, "sub", "file");
     },
     "",
     {},
     {"./", "a = x", "b = x", "sub = file"}},

    {"WhatIsExcludedStaysWithoutD",
     files_and_subdirectory(),
     nothing(),
     "-r",
     {"b", "sub"},
     {"./", "a = x", "b = x (kept excluded)", "sub/ (kept excluded)", "sub/c = x", "sub/d = x"}},
    {"WhatIsExcludedLeavesWithD", files_and_subdirectory(), nothing(), "-rd", {"b", "sub"}, {"./", "a = x"}},

    {"ChangedModeOnly",
     files_and_subdirectory(),
     [](const std::string& tree) { ::chmod((tree + "/a").c_str(), 0400); },
     "-r",
     {},
     {"./", "a = x", "b = x", "sub/", "sub/c = x", "sub/d = x"}},
    {"AnEmptyDirectory",
     [](const std::string& tree) { make_directory(tree + "/e"); },
     nothing(),
     "-rd",
     {},
     {"./", "e/"}},
};

class Semantics : public testing::TestWithParam<Case> {};

TEST_P(Semantics, CopyAfterwards) {
  const Case& c = GetParam();
  for (const bool with_cache : {true, false}) {
    ScratchDirectory scratch;
    const std::string tree = scratch / "tree";
    make_directory(tree);
    c.before(tree);
    let_times_settle();
    Client client;
    ASSERT_TRUE(client.back_up({tree}, "-r"));
    c.change(tree);
    if (!with_cache) client.forget_cache();
    const auto adjust = [&](BackupOptions& options) {
      for (const std::string& pattern : c.excludes)
        ASSERT_TRUE(options.excludes.add(pattern));
    };
    const auto report = client.back_up({tree}, c.flags, adjust);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(client.copy(tree), c.after) << "with cache: " << with_cache;
    // And once more: nothing changes any more, kept marks included.
    const auto root = client.root();
    ASSERT_TRUE(client.back_up({tree}, c.flags, adjust));
    EXPECT_EQ(client.root(), root) << "with cache: " << with_cache;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Semantics, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case>& tested) { return tested.param.name; });

TEST(Kept, ReturnsToNormalWhenTheFileIsBack) {
  ScratchDirectory scratch;
  add(scratch.path(), "a");
  add(scratch.path(), "b");
  Client client;
  ASSERT_TRUE(client.back_up({scratch.path()}));
  remove_all(scratch / "a");
  ASSERT_TRUE(client.back_up({scratch.path()}));
  EXPECT_THAT(client.copy(scratch.path()), Contains("a = x (kept absent)"));
  add(scratch.path(), "a", "again");
  ASSERT_TRUE(client.back_up({scratch.path()}));
  EXPECT_THAT(client.copy(scratch.path()), ElementsAre("./", "a = again", "b = x"));
}

// Root reads everything: tests of what can't be read run as nobody.
class AsOrdinaryUser {
 public:
  AsOrdinaryUser() : was_(::geteuid()) {
    if (was_ == 0) {
      EXPECT_EQ(::seteuid(65534), 0);
    }
  }
  ~AsOrdinaryUser() { EXPECT_EQ(::seteuid(was_), 0); }

 private:
  const uid_t was_;
};

TEST(Unreadable, ANewDirectoryGetsAnEntryAndANewFileNone) {
  const AsOrdinaryUser ordinary;
  ScratchDirectory scratch;
  files_and_subdirectory()(scratch.path());
  ::chmod((scratch / "a").c_str(), 0);
  ::chmod((scratch / "sub").c_str(), 0);
  Client client;
  const auto report = client.back_up({scratch.path()});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->incomplete);
  EXPECT_THAT(client.copy(scratch.path()), ElementsAre("./", "b = x", "sub/ (implied)"));
  const auto root = client.root();
  ASSERT_TRUE(client.back_up({scratch.path()}));
  EXPECT_EQ(client.root(), root);
}

TEST(Unreadable, KeepsItsEarlierCopyAndTheRunIsIncomplete) {
  for (const char* flags : {"-r", "-rd"}) {
    const AsOrdinaryUser ordinary;
    ScratchDirectory scratch;
    files_and_subdirectory()(scratch.path());
    Client client;
    ASSERT_TRUE(client.back_up({scratch.path()}));
    ::chmod((scratch / "a").c_str(), 0);
    ::chmod((scratch / "sub").c_str(), 0);
    const auto report = client.back_up({scratch.path()}, flags);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_TRUE(report->incomplete);
    EXPECT_EQ(report->counts.failed, 2u);
    EXPECT_EQ(client.heard().failures.size(), 2u);
    EXPECT_THAT(client.copy(scratch.path()), ElementsAre("./", "a = x (kept unreadable)", "b = x",
                                                         "sub/ (kept unreadable)", "sub/c = x", "sub/d = x"));
  }
}

// No test may mount anything, so the copy is made to say that `path` was a mount point when it was last seen.
void mark_as_mount_point(Client& client, const std::string& path) {
  const auto session = client.store().begin(
      {.run = random_id<RunId>(), .purpose = SessionPurpose::write, .cached_tree = {}, .base = {}});
  ASSERT_TRUE(session);
  ObjectReader reader(**session);
  RunMonitor monitor{BackupEvents{}};
  ObjectUploader uploader(**session, monitor, {});
  Snapshot snapshot = *client.snapshot();
  Entry entry = *client.entry(path);
  set_mount_point(entry, true);
  snapshot.root = *splice_path(reader, uploader, snapshot.root, *split_path(path), {}, entry);
  const ObjectId id = *uploader.put(encode_snapshot(snapshot));
  ASSERT_TRUE(uploader.flush());
  ASSERT_TRUE((*session)->commit({.snapshot = id, .expected_head = (*session)->info().head->id})->committed);
}

TEST(Mount, APointThatIsNoLongerOneKeepsItsSubtree) {
  for (const bool directory_is_there : {true, false}) {
    ScratchDirectory scratch;
    files_and_subdirectory()(scratch.path());
    Client client;
    ASSERT_TRUE(client.back_up({scratch.path()}));
    mark_as_mount_point(client, scratch / "sub");
    remove_all(scratch / "sub");
    if (directory_is_there) make_directory(scratch / "sub");

    const Lines kept{"./", "a = x", "b = x", "sub/ (kept unmounted)", "sub/c = x", "sub/d = x"};
    ASSERT_TRUE(client.back_up({scratch.path()}, "-rd"));
    EXPECT_EQ(client.copy(scratch.path()), kept);
    EXPECT_THAT(client.heard().warnings, Contains(HasSubstr("mount point")));
    const auto root = client.root();
    ASSERT_TRUE(client.back_up({scratch.path()}, "-rd"));
    EXPECT_EQ(client.root(), root);
    ASSERT_TRUE(
        client.back_up({scratch.path()}, "-rd", [](BackupOptions& options) { options.force = true; }));
    EXPECT_THAT(client.copy(scratch.path()), SizeIs(directory_is_there ? 4 : 3));
  }
}

TEST(Mount, TheMarkIsSetOnceAndTakenBack) {
  Entry entry;
  set_mount_point(entry, true);
  set_mount_point(entry, true);
  EXPECT_TRUE(was_mount_point(entry));
  EXPECT_THAT(entry.unknown, SizeIs(1));
  set_mount_point(entry, false);
  EXPECT_THAT(entry.unknown, IsEmpty());
}

TEST(Skipped, OwnCacheAndRepositoriesAreNamedOnceAndNotLookedInto) {
  ScratchDirectory scratch;
  add(scratch.path(), "a");
  make_directory(scratch / "repo");
  add(scratch.path(), "repo/format", "rbbackup repository\nversion 0\n");
  add(scratch.path(), "repo/pack");
  make_directory(scratch / "cache");
  Client client;
  const auto with_cache_inside = [&](BackupOptions& options) { options.cache_directory = scratch / "cache"; };
  const auto report = client.back_up({scratch.path()}, "-r", with_cache_inside);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->incomplete);
  EXPECT_EQ(client.heard().notices.size(), 2u);
  EXPECT_THAT(client.copy(scratch.path()), ElementsAre("./", "a = x", "cache/ (implied)", "repo/ (implied)"));
  const auto root = client.root();
  ASSERT_TRUE(client.back_up({scratch.path()}, "-r", with_cache_inside));
  EXPECT_EQ(client.root(), root) << "what goes on in the cache changes no tree";
}

TEST(ExcludeCaches, LeavesTaggedDirectoriesOut) {
  ScratchDirectory scratch;
  add(scratch.path(), "a");
  make_directory(scratch / "tagged");
  add(scratch.path(), "tagged/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
  Client client;
  ASSERT_TRUE(
      client.back_up({scratch.path()}, "-r", [](BackupOptions& options) { options.exclude_caches = true; }));
  EXPECT_THAT(client.copy(scratch.path()), ElementsAre("./", "a = x"));
}

TEST(PseudoFileSystem, IsSkippedUnderAPath) {
  Client client;
  // /proc/sys/kernel is no mount point, /proc is: only listing "/" meets it, so this asks for "/" and leaves
  // all else out.
  const auto report = client.back_up({"/"}, "-r", [](BackupOptions& options) {
    ASSERT_TRUE(options.excludes.add("/*"));
    ASSERT_TRUE(options.excludes.add("!/proc"));
  });
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(client.heard().notices, Contains(HasSubstr("/proc")));
  EXPECT_THAT(client.copy("/"), ElementsAre("./", "proc/ (implied)"));
}

TEST(Files, ASingleFileIsCreatedAndUpdated) {
  ScratchDirectory scratch;
  add(scratch.path(), "a", "one");
  add(scratch.path(), "b", "other");
  let_times_settle();
  Client client;
  ASSERT_TRUE(client.back_up({scratch / "a"}, ""));
  EXPECT_THAT(client.copy(scratch.path()), ElementsAre("./ (implied)", "a = one"));
  const auto unchanged = client.back_up({scratch / "a"}, "");
  ASSERT_TRUE(unchanged);
  EXPECT_EQ(unchanged->counts.unchanged, 1u);
  EXPECT_EQ(unchanged->counts.bytes_read, 0u);
  const auto again = client.back_up({scratch / "a"}, "");
  EXPECT_EQ(again->counts.bytes_read, 0u);
  add(scratch.path(), "a", "two!");
  const auto changed = client.back_up({scratch / "a"}, "");
  EXPECT_EQ(changed->counts.changed, 1u);
  EXPECT_THAT(client.copy(scratch.path()), ElementsAre("./ (implied)", "a = two!"));
}

TEST(DryRun, ChangesNothing) {
  ScratchDirectory scratch;
  files_and_subdirectory()(scratch.path());
  Client client;
  ASSERT_TRUE(client.back_up({scratch.path()}));
  const MemoryStoreStats before = client.store().stats();
  add(scratch.path(), "a", "changed");
  add(scratch.path(), "new");
  remove_all(scratch / "b");
  const auto report = client.back_up({scratch.path()}, "-rdn");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->snapshot);
  EXPECT_EQ(report->counts.created, 1u);
  EXPECT_EQ(report->counts.removed, 1u);
  EXPECT_EQ(client.heard().outcomes.at(scratch / "a"), PathOutcome::changed);
  EXPECT_EQ(client.store().stats().blocks, before.blocks);
  EXPECT_EQ(client.store().stats().commits, before.commits);
}

TEST(Ancestors, BackingUpTheParentLaterKeepsWhatStoodBeneathIt) {
  ScratchDirectory scratch;
  files_and_subdirectory()(scratch.path());
  Client client;
  ASSERT_TRUE(client.back_up({scratch / "sub/c"}, ""));
  EXPECT_THAT(client.copy(scratch.path()), ElementsAre("./ (implied)", "sub/ (implied)", "sub/c = x"));
  remove_all(scratch / "sub/c");
  ASSERT_TRUE(client.back_up({scratch.path()}, "-r"));
  EXPECT_THAT(client.copy(scratch.path()),
              ElementsAre("./", "a = x", "b = x", "sub/", "sub/c = x (kept absent)", "sub/d = x"));
}

TEST(Forget, RemovesAPathAndItsSources) {
  ScratchDirectory scratch;
  files_and_subdirectory()(scratch.path());
  Client client;
  ASSERT_TRUE(client.back_up({scratch.path()}));
  ASSERT_TRUE(client.back_up({scratch / "sub"}));
  EXPECT_EQ(client.snapshot()->sources.size(), 2u);
  const SystemClock clock;
  const auto forgotten = forget_path(client.store(), scratch / "sub", "host", clock);
  ASSERT_TRUE(forgotten) << forgotten.error().message;
  ASSERT_TRUE(*forgotten);
  EXPECT_THAT(client.copy(scratch.path()), ElementsAre("./", "a = x", "b = x"));
  EXPECT_EQ(client.snapshot()->sources.size(), 1u);
  EXPECT_FALSE(*forget_path(client.store(), scratch / "sub", "host", clock));
  ASSERT_TRUE(*forget_path(client.store(), "/", "host", clock));
  EXPECT_THAT(client.copy("/"), ElementsAre("./ (implied)"));
}

}  // namespace
}  // namespace rb::test
