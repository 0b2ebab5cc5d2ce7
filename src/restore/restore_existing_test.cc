// Restoring over what is there, where a restore must not write, and being interrupted.
#include <algorithm>
#include <csignal>

#include <grp.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "format/tree_page.h"
#include "restore/metadata_writer.h"
#include "restore/target_directory.h"
#include "support/restore_fixture.h"

namespace rb::test {
namespace {

using RestoreOverTest = RestoreFixture;

TEST_F(RestoreOverTest, RepeatingFindsEverythingThere) {
  tree_.file("/d/a", std::string(100'000, 'a'));
  tree_.file("/d/sub/b", "b", 0400);
  tree_.symlink("/d/link", "a");
  run_clean({"/d"});
  const RestoreReport again = run_clean({"/d"});
  EXPECT_EQ(again.files + again.directories + again.others, 0u);
  EXPECT_EQ(again.already_there, 5u);
  EXPECT_EQ(again.bytes, 0u);
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreOverTest, WhatIsMissingComesBackIntoADirectoryThatKeepsItsTimes) {
  tree_.file("/d/a", "1");
  tree_.file("/d/b", "2");
  run_clean({"/d"});
  ASSERT_EQ(::unlink(target("d/a").c_str()), 0);
  EXPECT_EQ(run_clean({"/d"}).files, 1u);
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreOverTest, DifferingFilesAreLeftAndNamedUnlessOverwritten) {
  const std::string big(70'000, 'n');
  for (const char* name : {"size", "time", "mode", "big"})
    tree_.file(std::string("/d/") + name, "stored");
  tree_.file("/d/big", big);
  tree_.symlink("/d/link", "stored");
  run_clean({"/d"});
  out_.write("d/size", "longer than stored");
  ::utimensat(AT_FDCWD, target("d/time").c_str(), nullptr, 0);
  ::chmod(target("d/mode").c_str(), 0600);
  out_.write("d/big", "mine");
  ::unlink(target("d/link").c_str());
  ASSERT_EQ(::symlink("mine", target("d/link").c_str()), 0);

  const Outcome left = run({"/d"});
  ASSERT_TRUE(left.report);
  EXPECT_EQ(left.report->differing, 5u);
  EXPECT_EQ(left.report->failed, 0u);
  EXPECT_EQ(left.failures.size(), 5u);
  EXPECT_EQ(left.failures.count(target("d/size")), 1u);
  EXPECT_EQ(read_whole(target("d/size")), "longer than stored");
  EXPECT_EQ(read_whole(target("d/big")), "mine");

  RestoreOptions over = options({"/d"});
  over.overwrite = true;
  const RestoreReport report = run_clean(over);
  EXPECT_EQ(report.files, 4u);
  EXPECT_EQ(report.others, 1u);
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreOverTest, OverwritingKeepsTheOldFileUntilTheNewOneIsComplete) {
  tree_.file("/d/f", std::string(100'000, 'x'));
  tree_.chunk_bytes = 1 << 20;
  FaultySession faulty(*session_);
  faulty.missing = {object_id(ObjectKind::chunk, {}, as_bytes(std::string(100'000, 'x')))};
  ASSERT_EQ(::mkdir(target("d").c_str(), 0755), 0);
  out_.write("d/f", "mine");
  RestoreOptions over = options({"/d"});
  over.overwrite = true;
  const Outcome outcome = run(faulty, over);
  EXPECT_EQ(read_whole(target("d/f")), "mine");
  ASSERT_TRUE(outcome.report);
  EXPECT_EQ(outcome.report->failed, 1u);
}

TEST_F(RestoreOverTest, TypeConflicts) {
  tree_.file("/d/file-was-directory", "x");
  tree_.file("/d/file-was-full-directory", "x");
  tree_.file("/d/directory-was-file/inside", "x");
  tree_.symlink("/d/link-was-file", "x");
  ASSERT_EQ(::mkdir(target("d").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(target("d/file-was-directory").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(target("d/file-was-full-directory").c_str(), 0755), 0);
  out_.write("d/file-was-full-directory/precious", "mine");
  out_.write("d/directory-was-file", "mine");
  out_.write("d/link-was-file", "mine");
  const Outcome left = run({"/d"});
  ASSERT_TRUE(left.report);
  EXPECT_EQ(left.report->differing, 4u);
  EXPECT_EQ(read_whole(target("d/directory-was-file")), "mine");

  RestoreOptions over = options({"/d"});
  over.overwrite = true;
  const Outcome replaced = run(over);
  ASSERT_TRUE(replaced.report);
  EXPECT_EQ(replaced.report->differing, 1u);
  EXPECT_EQ(replaced.failures.count(target("d/file-was-full-directory")), 1u);
  EXPECT_EQ(read_whole(target("d/file-was-full-directory/precious")), "mine");
  EXPECT_EQ(read_whole(target("d/file-was-directory")), "x");
  EXPECT_EQ(read_whole(target("d/directory-was-file/inside")), "x");
}

TEST_F(RestoreOverTest, ExistingDirectoryKeepsModeUnlessOverwritten) {
  tree_.file("/d/f", "x");
  ASSERT_EQ(::mkdir(target("d").c_str(), 0700), 0);
  const Outcome left = run({"/d"});
  ASSERT_TRUE(left.report);
  EXPECT_EQ(left.report->differing, 1u);
  EXPECT_EQ(left.report->files, 1u);
  EXPECT_EQ(stat_of(target("d")).st_mode & 07777, 0700u);
  RestoreOptions over = options({"/d"});
  over.overwrite = true;
  run_clean(over);
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreOverTest, HardLinkReplacesAnUnrelatedFileOnlyWhenTold) {
  HardLinkGroup group;
  group.bytes[3] = 9;
  tree_.file("/d/a", "same").hard_link = group;
  tree_.file("/d/b", "same").hard_link = group;
  run_clean({"/d"});
  ::unlink(target("d/b").c_str());
  out_.write("d/b", "mine");
  const Outcome left = run({"/d"});
  ASSERT_TRUE(left.report);
  EXPECT_EQ(left.report->differing, 1u);
  EXPECT_EQ(read_whole(target("d/b")), "mine");
  RestoreOptions over = options({"/d"});
  over.overwrite = true;
  run_clean(over);
  EXPECT_EQ(stat_of(target("d/a")).st_ino, stat_of(target("d/b")).st_ino);
}

// --- never outside the target ---

TEST_F(RestoreOverTest, SymlinkInPlaceOfADirectoryIsNotFollowed) {
  tree_.file("/d/sub/evil", "written through a link");
  const TempDirectory outside;
  ASSERT_EQ(::mkdir(target("d").c_str(), 0755), 0);
  ASSERT_EQ(::symlink(outside.path().c_str(), target("d/sub").c_str()), 0);
  const Outcome refused = run({"/d"});
  ASSERT_TRUE(refused.report);
  EXPECT_EQ(refused.report->differing, 1u);
  EXPECT_FALSE(exists(outside / "evil"));
  RestoreOptions over = options({"/d"});
  over.overwrite = true;
  run_clean(over);  // the link itself is replaced
  EXPECT_FALSE(exists(outside / "evil"));
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreOverTest, SymlinkInPlaceOfAFileIsNotWrittenThrough) {
  tree_.file("/d/f", "stored");
  tree_.file("/d/g", std::string(5000, 'g'));
  const TempDirectory outside;
  const std::string victim = outside.write("victim", "untouched");
  ASSERT_EQ(::mkdir(target("d").c_str(), 0755), 0);
  ASSERT_EQ(::symlink(victim.c_str(), target("d/f").c_str()), 0);
  ASSERT_EQ(::symlink((outside / "new").c_str(), target("d/g").c_str()), 0);
  EXPECT_EQ(run({"/d"}).report->differing, 2u);
  RestoreOptions over = options({"/d"});
  over.overwrite = true;
  run_clean(over);
  EXPECT_EQ(read_whole(victim), "untouched");
  EXPECT_FALSE(exists(outside / "new"));
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreOverTest, SymlinkOfTheTreeIsNotFollowedByWhatComesAfter) {
  // Two entries of one name can't be stored; the same through two PATHs can.
  const TempDirectory outside;
  tree_.symlink("/one/x", outside.path());
  tree_.file("/two/x/evil", "evil");
  run_clean({"/one/x"});
  const Outcome outcome = run({"/two/x"});
  ASSERT_TRUE(outcome.report);
  EXPECT_EQ(outcome.report->differing, 1u);
  EXPECT_FALSE(exists(outside / "evil"));
}

TEST_F(RestoreOverTest, InPlaceRefusesAParentThatIsASymlinkNow) {
  const TempDirectory outside;
  ASSERT_EQ(::mkdir((outside / "real").c_str(), 0755), 0);
  ASSERT_EQ(::symlink("real", (outside / "parent").c_str()), 0);
  tree_.file(outside.path() + "/parent/f", "x");
  RestoreOptions in_place = options({outside.path() + "/parent/f"});
  in_place.to_directory.clear();
  const Outcome outcome = run(in_place);
  EXPECT_FALSE(outcome.report);
  EXPECT_FALSE(exists(outside / "real/f"));
}

TEST_F(RestoreOverTest, InPlaceMakesMissingParentsAsTheyWere) {
  const TempDirectory place;
  const std::string base = place.path();
  tree_.file(base + "/gone/too/f", "x");
  tree_.file(base + "/gone/g", "y");
  tree_.directory(base + "/gone", 0711);
  tree_.directory(base + "/gone/too", 0750);
  RestoreOptions in_place = options({base + "/gone/too/f", base + "/gone/g"});
  in_place.to_directory.clear();
  const RestoreReport report = run_clean(in_place);
  EXPECT_EQ(report.files, 2u);
  EXPECT_EQ(stat_of(base + "/gone").st_mode & 07777, 0711u);
  EXPECT_EQ(stat_of(base + "/gone/too").st_mode & 07777, 0750u);
  expect_like(tree_.at(base + "/gone/too/f"), base + "/gone/too/f");
  expect_like(tree_.at(base + "/gone/g"), base + "/gone/g");
}

TEST(TargetNames, OnlySingleComponents) {
  for (const std::string bad : {"", ".", "..", "a/b", "/", "../x"})
    EXPECT_FALSE(check_target_name(bad)) << bad;
  EXPECT_FALSE(check_target_name(std::string_view("a\0b", 3)));
  for (const std::string good : {"a", "...", "..a", " ", "\n", "-"})
    EXPECT_TRUE(check_target_name(good)) << good;
}

// A tree page whose names were changed behind the encoder's back, under its right id: a repository that means
// harm.
TEST_F(RestoreOverTest, HostileNamesNeverLeaveTheTarget) {
  for (const std::string& name :
       {std::string(".."), std::string("x/"), std::string("/x"), std::string("x\0", 2)}) {
    TreePage page;
    Entry inner;
    inner.name = "QQ";
    inner.mode = 0644;
    inner.content_kind = ContentKind::inline_bytes;
    inner.inline_content = {'e', 'v', 'i', 'l'};
    inner.size = 4;
    page.entries.push_back(inner);
    Object object = encode_tree_page(page);
    const auto at =
        std::search(object.payload.begin(), object.payload.end(), inner.name.begin(), inner.name.end());
    ASSERT_NE(at, object.payload.end());
    std::copy(name.begin(), name.end(), at);
    SessionSink sink(*session_);
    const ObjectId hostile = sink.put(std::move(object)).value();
    TreePage root;
    Entry top;
    top.type = EntryType::directory;
    top.mode = 0755;
    top.content_kind = ContentKind::tree;
    top.content = hostile;
    root.entries.push_back(top);
    Snapshot snapshot;
    snapshot.root = sink.put(encode_tree_page(root)).value();
    ASSERT_TRUE(sink.send_all());
    RestoreOptions to = options({"/"});
    to.to_directory = target("inner");
    RestoreRun run(*session_, snapshot, to, {});
    const auto report = run.run();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->files, 0u);
    EXPECT_EQ(report->failed, 1u) << name;
    EXPECT_FALSE(exists(target("x")));
  }
}

// --- interruptions ---

TEST_F(RestoreOverTest, CancelledAndRepeated) {
  for (int i = 0; i < 500; ++i)
    tree_.file("/d/" + std::to_string(i), std::string(3000, static_cast<char>('a' + i % 26)));
  tree_.file("/d/large", std::string(3'000'000, 'L'));
  const Snapshot snapshot = tree_.put(*session_).value();
  FaultySession watched(*session_);
  RestoreRun* running = nullptr;
  watched.before_read = [&, reads = std::make_shared<std::atomic<int>>(0)]() -> Status {
    if (++*reads == 4) running->cancel();
    return {};
  };
  RestoreRun run(watched, snapshot, options({"/d"}), {});
  running = &run;
  const auto report = run.run();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::cancelled);
  const RestoreReport rest = run_clean({"/d"});
  EXPECT_EQ(rest.files + rest.already_there, 501u + (rest.directories == 0 ? 1u : 0u));
  expect_like(tree_.at("/d"), target("d"));
}

// What kill -9 leaves at any moment, a second run completes.
TEST_F(RestoreOverTest, KilledAtAnyMomentAndRepeated) {
  HardLinkGroup group;
  group.bytes[1] = 1;
  for (int i = 0; i < 60; ++i) {
    const std::string base = "/d/" + std::to_string(i % 7) + "/" + std::to_string(i);
    tree_.file(base, std::string(static_cast<std::size_t>(i) * 900, 'k'), i % 2 ? 0444 : 0640);
    tree_.symlink(base + ".link", "x");
    tree_.file(base + ".hard", "linked").hard_link = group;
  }
  tree_.file("/d/large", std::string(2'000'000, 'L'));
  tree_.directory("/d/3", 0555);
  for (int round = 0; round < 8; ++round) {
    const std::string place = target(std::to_string(round));
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      // A fresh store of its own: no lock of the parent's threads is involved, since it has none.
      FaultySession slow(*session_);
      int reads = 0;
      std::atomic<int> left(round * 2 + 1);
      slow.before_read = [&]() -> Status {
        ++reads;
        if (--left <= 0) ::raise(SIGKILL);
        return {};
      };
      RestoreOptions to = options({"/d"});
      to.to_directory = place;
      (void)run(slow, to);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    RestoreOptions to = options({"/d"});
    to.to_directory = place;
    run_clean(to);
    expect_like(tree_.at("/d"), place + "/d");
    EXPECT_EQ(stat_of(place + "/d/0/0.hard").st_nlink, 60u);
  }
}

TEST_F(RestoreOverTest, UnfinishedFilesAndDirectoriesAreDoneAgain) {
  tree_.file("/d/f", std::string(5000, 'f'));
  tree_.special("/d/fifo", EntryType::fifo, 0600);
  tree_.directory("/d", 0711);
  ASSERT_EQ(::mkdir(target("d").c_str(), 0700), 0);
  ASSERT_EQ(::chmod(target("d").c_str(), kUnfinishedDirectoryMode), 0);
  out_.write("d/f", "half of it");
  ASSERT_EQ(::chmod(target("d/f").c_str(), kUnfinishedFileMode), 0);
  ASSERT_EQ(::mkfifo(target("d/fifo").c_str(), 0600), 0);
  ASSERT_EQ(::chmod(target("d/fifo").c_str(), kUnfinishedFileMode), 0);
  run_clean({"/d"});
  expect_like(tree_.at("/d"), target("d"));
}

// --- damage ---

TEST_F(RestoreOverTest, DamagedAndMissingChunksFailOnlyTheirFiles) {
  tree_.chunk_bytes = 270'000;  // blocks of their own
  for (int i = 0; i < 10; ++i)
    tree_.file("/d/" + std::to_string(i), std::string(269'000, static_cast<char>('0' + i)));
  tree_.file("/d/list", std::string(269'000, '3') + std::string(300'000, 'y'));
  tree_.file("/d/sound", "x");
  const auto chunk_of = [](char c) {
    const std::string content(269'000, c);
    return object_id(ObjectKind::chunk, {}, as_bytes(content));
  };
  FaultySession faulty(*session_);
  faulty.missing = {chunk_of('3')};
  faulty.damaged = {chunk_of('7')};
  const Outcome outcome = run(faulty, options({"/d"}));
  ASSERT_TRUE(outcome.report);
  EXPECT_EQ(outcome.report->failed, 2u);
  EXPECT_EQ(outcome.report->files, 10u);
  EXPECT_EQ(outcome.failures.count(target("d/3")), 1u);
  EXPECT_EQ(outcome.failures.count(target("d/7")), 1u);
  EXPECT_FALSE(exists(target("d/3")));
  EXPECT_FALSE(exists(target("d/7")));
  EXPECT_EQ(run_clean({"/d"}).files, 2u);  // once the store is repaired
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreOverTest, DamagedDirectoryPageFailsItAlone) {
  tree_.file("/d/bad/x", "1");
  tree_.file("/d/good/y", "2");
  StoredTree bad_alone;
  const Snapshot snapshot = tree_.put(*session_).value();
  ObjectId bad;
  FaultySession faulty(*session_);
  {
    TreePage page;
    page.entries.push_back(tree_.entry("/d/bad/x"));
    page.entries[0].content_kind = ContentKind::inline_bytes;
    page.entries[0].inline_content = {'1'};
    bad = object_id(encode_tree_page(page));
  }
  faulty.missing = {bad};
  // The page comes along with its neighbours otherwise; one block per object here.
  const Outcome outcome = run(faulty, options({"/d/good", "/d/bad"}));
  ASSERT_TRUE(outcome.report);
  EXPECT_TRUE(exists(target("good/y")));
  EXPECT_EQ(outcome.report->failed, exists(target("bad/x")) ? 0u : 1u);
}

TEST_F(RestoreOverTest, LosingTheStoreEndsTheRun) {
  for (int i = 0; i < 500; ++i)
    tree_.file("/d/" + std::to_string(i), std::string(3000, static_cast<char>(i)));
  for (const int after : {0, 1, 2}) {
    FaultySession faulty(*session_);
    faulty.before_read = [left = std::make_shared<std::atomic<int>>(after)]() -> Status {
      return (*left)-- > 0 ? Status{} : fail(Errc::unavailable, "the server is gone");
    };
    const Outcome outcome = run(faulty, options({"/d"}));
    ASSERT_FALSE(outcome.report);
    EXPECT_EQ(outcome.report.error().code, Errc::unavailable);
    EXPECT_TRUE(outcome.failures.empty());
  }
}

TEST_F(RestoreOverTest, FullDiskEndsTheRunWithAClearError) {
  if (::access("/dev/full", W_OK) != 0 || ::geteuid() != 0) GTEST_SKIP() << "needs root";
  // RLIMIT_FSIZE would be a signal; a tiny tmpfs is what a full disk looks like, but needs mount(2).
  const std::string place = target("small");
  ASSERT_EQ(::mkdir(place.c_str(), 0755), 0);
  const std::string mount = "mount -t tmpfs -o size=256k none '" + place + "' 2>/dev/null";
  if (std::system(mount.c_str()) != 0) GTEST_SKIP() << "can't mount";
  tree_.file("/d/large", std::string(2'000'000, 'x'));
  RestoreOptions to = options({"/d"});
  to.to_directory = place;
  const Outcome outcome = run(to);
  ASSERT_EQ(std::system(("umount '" + place + "'").c_str()), 0);
  ASSERT_FALSE(outcome.report);
  EXPECT_EQ(outcome.report.error().code, Errc::no_space);
  EXPECT_NE(outcome.report.error().message.find("large"), std::string::npos);
}

// --- depth ---

TEST_F(RestoreOverTest, TreesDeeperThanAnyPath) {
  constexpr int kDepth = 600;  // 9,000 bytes of path
  SessionSink sink(*session_);
  Entry at;
  at.name = "leaf";
  at.mode = 0644;
  at.uid = ::geteuid();
  at.gid = ::getegid();
  for (int i = 0; i < kDepth; ++i) {
    DirectoryBuilder builder(sink);
    ASSERT_TRUE(builder.add(at));
    Entry above;
    above.type = EntryType::directory;
    above.name = i + 1 == kDepth ? "" : "some-directory";
    above.mode = 0755;
    above.uid = ::geteuid();
    above.gid = ::getegid();
    above.mtime = {77, 7};
    above.content_kind = ContentKind::tree;
    above.content = builder.finish().value();
    at = above;
  }
  DirectoryBuilder root(sink);
  ASSERT_TRUE(root.add(at));
  Snapshot snapshot;
  snapshot.root = root.finish().value();
  ASSERT_TRUE(sink.send_all());
  RestoreOptions to = options({"/"});
  RestoreRun run(*session_, snapshot, to, {});
  const auto report = run.run();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->failed + report->differing, 0u);
  EXPECT_EQ(report->files, 1u);
  EXPECT_EQ(report->directories, static_cast<std::uint64_t>(kDepth));
  UniqueFd fd(::open(target().c_str(), O_RDONLY | O_DIRECTORY));
  for (int i = 1; i < kDepth; ++i) {
    fd.reset(::openat(fd.get(), "some-directory", O_RDONLY | O_DIRECTORY));
    ASSERT_TRUE(fd) << i;
    struct stat found {};
    ASSERT_EQ(::fstat(fd.get(), &found), 0);
    ASSERT_EQ(found.st_mtim.tv_nsec, 7);
  }
}

// --- flags and others than root ---

TEST_F(RestoreOverTest, ImmutableFlags) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  HardLinkGroup group;
  group.bytes[0] = 5;
  tree_.file("/d/immutable", "x").attributes = FS_IMMUTABLE_FL;
  tree_.file("/d/sub/inside", "y");
  tree_.entry("/d/sub").attributes = FS_IMMUTABLE_FL | FS_NODUMP_FL;
  for (const char* path : {"/d/link1", "/d/link2"}) {
    Entry& entry = tree_.file(path, "z");
    entry.hard_link = group;
    entry.attributes = FS_APPEND_FL;
  }
  const Outcome outcome = run({"/d"});
  const auto flags_of = [&](const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY));
    int flags = 0;
    return ::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) == 0 ? flags : 0;
  };
  const int file = flags_of(target("d/immutable")), directory = flags_of(target("d/sub")),
            linked = flags_of(target("d/link2"));
  for (const char* path : {"d/immutable", "d/sub", "d/link2"}) {
    const UniqueFd fd(::open(target(path).c_str(), O_RDONLY));
    int none = 0;
    (void)::ioctl(fd.get(), FS_IOC_SETFLAGS, &none);
  }
  if (!outcome.warnings.empty()) GTEST_SKIP() << "the file system has no flags";
  EXPECT_EQ(file & FS_IMMUTABLE_FL, FS_IMMUTABLE_FL);
  EXPECT_EQ(directory & (FS_IMMUTABLE_FL | FS_NODUMP_FL), FS_IMMUTABLE_FL | FS_NODUMP_FL);
  EXPECT_EQ(linked & FS_APPEND_FL, FS_APPEND_FL);
  EXPECT_EQ(stat_of(target("d/link1")).st_nlink, 2u);
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreOverTest, OthersThanRootGetWhatTheyMayHave) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  tree_.uid = tree_.gid = 0;
  tree_.file("/d/su", "x", 04755);
  tree_.file("/d/sub/f", std::string(5000, 'f'), 0444);
  tree_.directory("/d/sub", 0555);
  tree_.special("/d/null", EntryType::char_device, 0666).device = std::uint64_t{1} << 32 | 3;
  ASSERT_EQ(::chmod(target().c_str(), 0777), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(65533) != 0 || ::setuid(65533) != 0) ::_exit(90);
    const Outcome first = run({"/d"});
    if (!first.report) ::_exit(91);
    if (first.report->failed != 1 || first.failures.count(target("d/null")) == 0) ::_exit(92);
    if (first.report->files != 2 || first.warnings.empty()) ::_exit(93);
    const Outcome again = run({"/d"});
    if (!again.report || again.report->differing != 0 || again.report->files != 0) ::_exit(94);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(stat_of(target("d/su")).st_mode & 07777, 0755u);  // not setuid of somebody else
  EXPECT_EQ(stat_of(target("d/su")).st_uid, 65533u);
  EXPECT_EQ(stat_of(target("d/sub")).st_mode & 07777, 0555u);
}

}  // namespace
}  // namespace rb::test
