// Files of all kinds there and back.
#include <algorithm>

#include <rapidcheck.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "support/restore_fixture.h"

namespace rb::test {
namespace {

using RestoreTest = RestoreFixture;

std::string noise(std::size_t size, unsigned seed = 1) {
  std::string text(size, '\0');
  std::uint32_t state = seed * 2654435761u + 1;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24);
  }
  return text;
}

TEST_F(RestoreTest, DirectoryWithFilesOfAllSizes) {
  tree_.file("/home/ana/docs/empty", "");
  tree_.file("/home/ana/docs/inline", "a few words");
  tree_.file("/home/ana/docs/chunk", noise(5000), 0600);
  tree_.file("/home/ana/docs/list", noise(200'000, 2), 0444);
  tree_.file("/home/ana/docs/levels", noise(1'500'001, 3));
  tree_.file("/home/ana/docs/sub/deeper/x", "x");
  tree_.symlink("/home/ana/docs/link", "../nowhere");
  tree_.directory("/home/ana/docs/sub", 0711);
  const RestoreReport report = run_clean({"/home/ana/docs"});
  EXPECT_EQ(report.files, 6u);
  EXPECT_EQ(report.directories, 3u);
  EXPECT_EQ(report.others, 1u);
  EXPECT_EQ(report.bytes, 11u + 5000 + 200'000 + 1'500'001 + 1);
  expect_like(tree_.at("/home/ana/docs"), target("docs"));
}

TEST_F(RestoreTest, WholeTreeBecomesTheTargetItself) {
  tree_.file("/etc/passwd", "root:x:0:0");
  tree_.directory("/", 0750);
  run_clean({"/"});
  expect_like(tree_.at("/"), target());
}

TEST_F(RestoreTest, SingleFileAndSingleLink) {
  tree_.file("/a/file", "content");
  tree_.symlink("/b/link", "target");
  run_clean({"/a/file", "/b/link"});
  expect_like(tree_.at("/a/file"), target("file"));
  expect_like(tree_.at("/b/link"), target("link"));
}

TEST_F(RestoreTest, TargetIsCreatedWithItsParents) {
  tree_.file("/a/file", "content");
  RestoreOptions to = options({"/a/file"});
  to.to_directory += "/new/deeper";
  run_clean(to);
  expect_like(tree_.at("/a/file"), target("new/deeper/file"));
}

TEST_F(RestoreTest, OddNamesAreBytes) {
  for (const std::string name : {"new\nline", "\xff\xfe", "-rf", " ", "*", "back\\slash", "..."}) {
    tree_.file("/d/" + name, name);
  }
  tree_.file("/d/" + std::string(255, 'n'), "long");
  tree_.symlink("/d/\x01", "\xc3\x28/\n");
  run_clean({"/d"});
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreTest, TimesBeforeTheEpochAndNanoseconds) {
  tree_.file("/d/old", "x").mtime = {-12345, 999'999'999};
  tree_.file("/d/late", "y").mtime = {4'000'000'000, 1};
  tree_.symlink("/d/link", "z").mtime = {77, 7};
  run_clean({"/d"});
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreTest, ReadOnlyDirectoriesAndFiles) {
  tree_.file("/d/sub/f", noise(70'000), 0);
  tree_.directory("/d/sub", 0555);
  tree_.directory("/d", 0500);
  run_clean({"/d"});
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreTest, HolesStayHoles) {
  tree_.sparse("/d/image", 50 << 20,
               {{0, noise(70'000)}, {20 << 20, "in the middle"}, {(50 << 20) - 5, "tail!"}});
  tree_.sparse("/d/trailing", 10 << 20, {{0, "head"}});
  tree_.sparse("/d/nothing", 10 << 20, {});
  run_clean({"/d"});
  expect_like(tree_.at("/d"), target("d"));
  EXPECT_LT(stat_of(target("d/image")).st_blocks * 512, 1 << 20);
  EXPECT_LT(stat_of(target("d/nothing")).st_blocks * 512, 1 << 16);
}

TEST_F(RestoreTest, SparseTerabyteIsInstant) {
  const std::uint64_t size = std::uint64_t{1} << 40;
  tree_.sparse("/huge", size, {{0, "begin"}, {size - 3, "end"}});
  const RestoreReport report = run_clean({"/huge"});
  EXPECT_EQ(report.bytes, 8u);
  EXPECT_EQ(static_cast<std::uint64_t>(stat_of(target("huge")).st_size), size);
  const UniqueFd fd(::open(target("huge").c_str(), O_RDONLY));
  char tail[3];
  ASSERT_EQ(::pread(fd.get(), tail, 3, static_cast<off_t>(size - 3)), 3);
  EXPECT_EQ(std::string_view(tail, 3), "end");
}

TEST_F(RestoreTest, OneChunkInManyPlaces) {
  std::string repeated;
  for (int i = 0; i < 40; ++i)
    repeated += noise(1000);
  tree_.chunk_bytes = 1000;
  for (int i = 0; i < 300; ++i)
    tree_.file("/d/" + std::to_string(i), repeated);
  run_clean({"/d"});
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreTest, ManySmallFilesInManyBatches) {
  for (int i = 0; i < 3000; ++i) {
    tree_.file("/d/" + std::to_string(i % 70) + "/" + std::to_string(i),
               noise(static_cast<std::size_t>(i), 7));
  }
  const RestoreReport report = run_clean({"/d"});
  EXPECT_EQ(report.files, 3000u);
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreTest, LargeDirectory) {
  for (int i = 0; i < 20'000; ++i)
    tree_.file("/d/file-" + std::to_string(i), "");
  EXPECT_EQ(run_clean({"/d"}).files, 20'000u);
  EXPECT_EQ(stat_of(target("d")).st_mtim.tv_nsec, 123'456'789);
}

TEST_F(RestoreTest, HardLinks) {
  HardLinkGroup group;
  group.bytes[0] = 1;
  for (const char* path : {"/d/a", "/d/x/b", "/d/y/c"}) {
    Entry& entry = tree_.file(path, noise(100'000));
    entry.hard_link = group;
  }
  Entry& other = tree_.file("/d/claims", noise(1000));  // the same group, another content: never linked
  other.hard_link = group;
  Entry& mode = tree_.file("/d/mode", noise(100'000), 0600);
  mode.hard_link = group;
  run_clean({"/d"});
  expect_like(tree_.at("/d"), target("d"));
  EXPECT_EQ(stat_of(target("d/a")).st_ino, stat_of(target("d/x/b")).st_ino);
  EXPECT_EQ(stat_of(target("d/a")).st_ino, stat_of(target("d/y/c")).st_ino);
  EXPECT_EQ(stat_of(target("d/a")).st_nlink, 3u);
  EXPECT_EQ(stat_of(target("d/claims")).st_nlink, 1u);
  EXPECT_EQ(stat_of(target("d/mode")).st_nlink, 1u);
  const RestoreReport again = run_clean({"/d"});
  EXPECT_EQ(again.files, 0u);
  EXPECT_EQ(again.already_there, 8u);
}

TEST_F(RestoreTest, HardLinkedSymlinksAndInlineFiles) {
  HardLinkGroup one, two;
  one.bytes[0] = 1;
  two.bytes[0] = 2;
  for (int i = 0; i < 300; ++i) {
    tree_.symlink("/d/s" + std::to_string(i), "to").hard_link = one;
    tree_.file("/d/f" + std::to_string(i), "small").hard_link = two;
  }
  run_clean({"/d"});
  EXPECT_EQ(stat_of(target("d/s0")).st_nlink, 300u);
  EXPECT_EQ(stat_of(target("d/f0")).st_nlink, 300u);
}

TEST_F(RestoreTest, FifosSocketsAndDevices) {
  tree_.special("/d/fifo", EntryType::fifo, 0640);
  tree_.special("/d/socket", EntryType::socket, 0755);
  if (::geteuid() == 0) {
    tree_.special("/d/null", EntryType::char_device, 0666).device = std::uint64_t{1} << 32 | 3;
    tree_.special("/d/whiteout", EntryType::char_device, 0600);
    tree_.special("/d/disk", EntryType::block_device, 0660).device = std::uint64_t{259} << 32 | 300'000;
  }
  run_clean({"/d"});
  expect_like(tree_.at("/d"), target("d"));
  EXPECT_TRUE(S_ISFIFO(stat_of(target("d/fifo")).st_mode));
  EXPECT_TRUE(S_ISSOCK(stat_of(target("d/socket")).st_mode));
  if (::geteuid() == 0) {
    EXPECT_TRUE(S_ISCHR(stat_of(target("d/null")).st_mode));
    EXPECT_EQ(stat_of(target("d/null")).st_rdev, makedev(1, 3));
    EXPECT_EQ(stat_of(target("d/disk")).st_rdev, makedev(259, 300'000));
  }
  EXPECT_EQ(run_clean({"/d"}).already_there, tree_.at("/d").children.size() + 1);
}

TEST_F(RestoreTest, OwnersAndSetuid) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  Entry& setuid = tree_.file("/d/su", noise(3000), 04755);
  setuid.uid = 12345;
  setuid.gid = 23456;
  tree_.file("/d/setgid", "x", 02711);
  Entry& directory = tree_.directory("/d/shared", 03775);
  directory.gid = 777;
  Entry& link = tree_.symlink("/d/link", "su");
  link.uid = 4321;
  tree_.file("/d/shared/inside", "its group is not the directory's");
  run_clean({"/d"});
  expect_like(tree_.at("/d"), target("d"));
}

TEST_F(RestoreTest, OwnerByNameBeforeNumber) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  Entry& known = tree_.file("/d/known", "x");
  known.uid = 54321;
  known.gid = 54321;
  known.user = "root";
  known.group = "root";
  Entry& unknown = tree_.file("/d/unknown", "x");
  unknown.uid = 54321;
  unknown.gid = 54322;
  unknown.user = "nobody-has-this-name";
  run_clean({"/d"});
  EXPECT_EQ(stat_of(target("d/known")).st_uid, 0u);
  EXPECT_EQ(stat_of(target("d/known")).st_gid, 0u);
  EXPECT_EQ(stat_of(target("d/unknown")).st_uid, 54321u);
  EXPECT_EQ(stat_of(target("d/unknown")).st_gid, 54322u);
}

std::optional<std::string> xattr_of(const std::string& path, const char* name) {
  char value[70000];
  const ssize_t n = ::lgetxattr(path.c_str(), name, value, sizeof value);
  if (n < 0) return std::nullopt;
  return std::string(value, static_cast<std::size_t>(n));
}

Xattr xattr(const char* name, std::string_view value) {
  const ByteView bytes = as_bytes(value);
  return {name, Bytes(bytes.begin(), bytes.end()), std::nullopt};
}

bool takes_user_xattrs(const std::string& directory) {
  return ::setxattr(directory.c_str(), "user.rbtest", "1", 1, 0) == 0;
}

TEST_F(RestoreTest, ExtendedAttributes) {
  if (!takes_user_xattrs(target())) GTEST_SKIP() << "the file system has no extended attributes";
  SessionSink sink(*session_);
  const std::string large = noise(2000);
  const ByteView bytes = as_bytes(large);
  const ObjectId chunk = sink.put({ObjectKind::chunk, {}, Bytes(bytes.begin(), bytes.end())}).value();
  ASSERT_TRUE(sink.send_all());
  Entry& file = tree_.file("/d/f", "x", 0400);
  file.xattrs = {{"user.large", {}, chunk}, xattr("user.small", "value")};
  tree_.directory("/d/sub", 0500).xattrs = {xattr("user.dir", std::string("a\0b", 3))};
  run_clean({"/d"});
  expect_like(tree_.at("/d"), target("d"));
  EXPECT_EQ(xattr_of(target("d/f"), "user.small"), "value");
  EXPECT_EQ(xattr_of(target("d/f"), "user.large"), large);
  EXPECT_EQ(xattr_of(target("d/sub"), "user.dir"), std::string("a\0b", 3));
}

// user:12345:rw-, as the kernel keeps it.
std::string acl_with_user() {
  std::string acl("\2\0\0\0", 4);
  const auto add = [&](std::uint16_t tag, std::uint16_t permissions, std::uint32_t id) {
    acl.append(reinterpret_cast<const char*>(&tag), 2);
    acl.append(reinterpret_cast<const char*>(&permissions), 2);
    acl.append(reinterpret_cast<const char*>(&id), 4);
  };
  add(1, 6, UINT32_MAX);
  add(2, 6, 12345);
  add(4, 4, UINT32_MAX);
  add(16, 6, UINT32_MAX);
  add(32, 4, UINT32_MAX);
  return acl;
}

TEST_F(RestoreTest, AclsAndCapabilitiesSurviveOwnerAndMode) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const std::string acl = acl_with_user();
  if (::setxattr(target().c_str(), "system.posix_acl_default", acl.data(), acl.size(), 0) != 0) {
    GTEST_SKIP() << "the file system has no ACLs";
  }
  Entry& with = tree_.file("/d/with", noise(1000), 0664);
  with.uid = 999;
  with.xattrs = {xattr("security.capability", std::string("\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20)),
                 xattr("system.posix_acl_access", acl)};
  tree_.file("/d/without", "x", 0664);
  tree_.file("/alone", "y", 0664);
  run_clean({"/d", "/alone"});
  expect_like(tree_.at("/d"), target("d"));
  EXPECT_EQ(xattr_of(target("d/with"), "system.posix_acl_access"), acl);
  EXPECT_TRUE(xattr_of(target("d/with"), "security.capability"));
  // What the target's default ACL would hand down is not part of the copy.
  EXPECT_FALSE(xattr_of(target("d"), "system.posix_acl_default"));
  EXPECT_FALSE(xattr_of(target("d/without"), "system.posix_acl_access"));
  EXPECT_FALSE(xattr_of(target("alone"), "system.posix_acl_access"));
  EXPECT_EQ(stat_of(target("alone")).st_mode & 07777, 0664u);
}

TEST_F(RestoreTest, KeptEntriesUnlessExact) {
  tree_.file("/d/now", "x");
  tree_.file("/d/gone", "y").kept = Kept{KeptReason::absent, {5, 0}};
  tree_.file("/d/dir/inside", "z");
  tree_.entry("/d/dir").kept = Kept{KeptReason::unmounted, {5, 0}};
  RestoreOptions exact = options({"/d"});
  exact.exact = true;
  EXPECT_EQ(run_clean(exact).files, 1u);
  EXPECT_FALSE(exists(target("d/gone")));
  EXPECT_FALSE(exists(target("d/dir")));
  EXPECT_EQ(run_clean({"/d"}).files, 2u);
  expect_like(tree_.at("/d"), target("d"));
  exact.paths = {"/d/dir/inside"};
  const Outcome outcome = run(exact);
  ASSERT_FALSE(outcome.report);
  EXPECT_EQ(outcome.report.error().code, Errc::not_found);
}

TEST_F(RestoreTest, ImpliedDirectoriesGetModeAndOwnerOnly) {
  tree_.file("/d/a/f", "x");
  Entry& implied = tree_.directory("/d/a", 0711);
  implied.implied = true;
  implied.mtime = {};
  run_clean({"/d"});
  EXPECT_EQ(stat_of(target("d/a")).st_mode & 07777, 0711u);
  EXPECT_GT(stat_of(target("d/a")).st_mtim.tv_sec, 1'700'000'000);
}

TEST_F(RestoreTest, MissingPathAmongOthersAndAlone) {
  tree_.file("/d/f", "x");
  const Outcome some = run({"/d", "/not/there"});
  ASSERT_TRUE(some.report);
  EXPECT_EQ(some.report->failed, 1u);
  EXPECT_EQ(some.failures.count("/not/there"), 1u);
  EXPECT_TRUE(exists(target("d/f")));
  const Outcome alone = run({"/not/there"});
  ASSERT_FALSE(alone.report);
  EXPECT_EQ(alone.report.error().code, Errc::not_found);
}

TEST_F(RestoreTest, CollidingLastComponentsAreRefused) {
  tree_.file("/a/docs/x", "x");
  tree_.file("/b/docs/y", "y");
  for (std::vector<std::string> paths : {std::vector<std::string>{"/a/docs", "/b/docs"}, {"/", "/a"}}) {
    const Outcome outcome = run(paths);
    ASSERT_FALSE(outcome.report);
    EXPECT_EQ(outcome.report.error().code, Errc::invalid_argument);
  }
  EXPECT_FALSE(exists(target("docs")));
  EXPECT_EQ(run_clean({"/a/docs", "/a/docs/"}).files, 1u);  // the same one twice is no collision
}

TEST_F(RestoreTest, ProgressAndPathsAreTold) {
  tree_.file("/d/a", "1");
  tree_.file("/d/b", noise(5000));
  const Outcome outcome = run({"/d"});
  std::vector<std::string> paths = outcome.paths;
  std::sort(paths.begin(), paths.end());
  EXPECT_EQ(paths, (std::vector<std::string>{target("d"), target("d/a"), target("d/b")}));
}

TEST(RestoreProperty, TreesComeBack) {
  const bool held = rc::check("what was stored is restored", [] {
    auto repository = make_memory_repository({});
    MemoryStore store(repository, "node");
    const auto session = store.begin({.run = random_id<RunId>()}).value();
    StoredTree tree;
    tree.chunk_bytes = *rc::gen::inRange<std::size_t>(300, 3000);
    tree.list_items = *rc::gen::inRange<std::size_t>(2, 6);
    const auto count = *rc::gen::inRange(1, 25);
    for (int i = 0; i < count; ++i) {
      std::string path = "/d";
      const auto depth = *rc::gen::inRange(0, 4);
      for (int j = 0; j < depth; ++j)
        path += "/d" + std::to_string(*rc::gen::inRange(0, 3));
      const std::string name = path + "/f" + std::to_string(i);
      const auto size = *rc::gen::inRange<std::size_t>(0, 9000);
      if (*rc::gen::inRange(0, 4) == 0) {
        const std::uint64_t at = *rc::gen::inRange<std::uint64_t>(1, 100'000);
        tree.sparse(name, at + size + *rc::gen::inRange<std::uint64_t>(1, 5000), {{at, noise(size + 1)}});
      } else {
        tree.file(name, noise(size, static_cast<unsigned>(i)), *rc::gen::inRange<std::uint32_t>(0, 010000));
      }
      tree.entry(name).mtime = {*rc::gen::inRange<std::int64_t>(-1000, 2'000'000'000),
                                *rc::gen::inRange<std::uint32_t>(0, 1'000'000'000)};
    }
    TempDirectory out;
    RestoreOptions options{.paths = {"/d"}, .to_directory = out.path(), .threads = 2, .sync = false};
    RestoreRun run(*session, tree.put(*session).value(), options, {});
    const auto report = run.run();
    RC_ASSERT(report.has_value());
    RC_ASSERT(report->failed + report->differing == 0u);
    RestoreRun again(*session, tree.put(*session).value(), options, {});
    const auto nothing = again.run();
    RC_ASSERT(nothing.has_value());
    RC_ASSERT(nothing->files == 0u);
    RC_ASSERT(nothing->failed + nothing->differing == 0u);
    struct Compare : RestoreFixture {
      void TestBody() override {}
      using RestoreFixture::expect_like;
    };
    Compare().expect_like(tree.at("/d"), out / "d");
    RC_ASSERT(!testing::Test::HasFailure());
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace rb::test
