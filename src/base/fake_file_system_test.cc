// The fake's own promises: what it forgets, and when.
#include "base/fake_file_system.h"

#include <set>

#include <gtest/gtest.h>

namespace rb {
namespace {

constexpr char kA[] = "/d/a";

std::unique_ptr<File> create(FakeFileSystem& fs, const std::string& path) {
  auto file = fs.open(path, OpenMode::create_new);
  EXPECT_TRUE(file.has_value());
  return file ? std::move(*file) : nullptr;
}

// A file of which "old" is durable, its name too.
std::unique_ptr<File> durable_file(FakeFileSystem& fs) {
  fs.put(kA, as_bytes("old"));
  auto file = fs.open(kA, OpenMode::write);
  EXPECT_TRUE(file.has_value());
  return std::move(*file);
}

std::string text(const FakeFileSystem& fs, const std::string& path) {
  const std::optional<Bytes> content = fs.contents(path);
  return content ? std::string(as_text(*content)) : "<none>";
}

TEST(FakeFileSystemTest, ALinkIsAnotherNameOfTheSameFile) {
  FakeFileSystem fs;
  fs.put(kA, as_bytes("old"));
  fs.put("/d/c", as_bytes("new"));
  ASSERT_TRUE(fs.link(kA, "/d/b"));
  EXPECT_EQ(fs.link(kA, "/d/b").error().sys_errno, EEXIST);
  EXPECT_FALSE(fs.link("/d/none", "/d/e"));
  EXPECT_EQ(text(*fs.survivor(Survival::none), "/d/b"), "<none>");
  ASSERT_TRUE(fs.sync_directory("/d"));
  ASSERT_TRUE(fs.rename("/d/c", kA));
  EXPECT_EQ(text(fs, kA), "new");
  EXPECT_EQ(text(*fs.reopen(Survival::none), "/d/b"), "old");
}

TEST(FakeFileSystemTest, PowerCutForgetsUnsyncedWrites) {
  FakeFileSystem fs;
  const auto file = durable_file(fs);
  ASSERT_TRUE(file->write_at(3, as_bytes("new")).has_value());
  EXPECT_EQ(text(fs, kA), "oldnew");
  EXPECT_EQ(text(*fs.reopen(Survival::none), kA), "old");
  EXPECT_EQ(text(*fs.reopen(Survival::all), kA), "oldnew");
  EXPECT_FALSE(file->write_at(0, as_bytes("x")).has_value());
  EXPECT_FALSE(fs.exists(kA).has_value());
}

TEST(FakeFileSystemTest, SyncMakesWritesDurable) {
  FakeFileSystem fs;
  const auto file = durable_file(fs);
  ASSERT_TRUE(file->write_at(3, as_bytes("new")).has_value());
  ASSERT_TRUE(file->sync().has_value());
  EXPECT_EQ(text(*fs.reopen(Survival::none), kA), "oldnew");
}

TEST(FakeFileSystemTest, NameIsDurableOnlyAfterSyncDirectory) {
  for (const bool synced : {false, true}) {
    FakeFileSystem fs;
    fs.put("/d/other", as_bytes(""));
    const auto file = create(fs, kA);
    ASSERT_TRUE(file->write_at(0, as_bytes("x")).has_value());
    ASSERT_TRUE(file->sync().has_value());
    if (synced) {
      ASSERT_TRUE(fs.sync_directory("/d").has_value());
    }
    EXPECT_EQ(text(*fs.reopen(Survival::none), kA), synced ? "x" : "<none>");
    EXPECT_EQ(text(*fs.reopen(Survival::all), kA), "x");
  }
}

TEST(FakeFileSystemTest, RenameSurvivesWholeOrNotAtAll) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 32; ++seed) {
    FakeFileSystem fs;
    fs.put("/d/a", as_bytes("a"));
    fs.put("/d/b", as_bytes("b"));
    ASSERT_TRUE(fs.rename("/d/a", "/d/b").has_value());
    const auto after = fs.reopen(Survival::some, seed);
    seen.insert(text(*after, "/d/a") + text(*after, "/d/b"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"ab", "<none>a"}));
}

TEST(FakeFileSystemTest, RenameAcrossDirectoriesKeepsOneName) {
  FakeFileSystem fs;
  fs.put("/d/x", as_bytes(""));
  fs.put("/e/x", as_bytes(""));
  create(fs, "/d/a");
  ASSERT_TRUE(fs.rename("/d/a", "/e/a").has_value());
  ASSERT_TRUE(fs.sync_directory("/e").has_value());
  ASSERT_TRUE(fs.sync_directory("/d").has_value());
  const auto after = fs.reopen(Survival::none);
  EXPECT_EQ(text(*after, "/d/a"), "<none>");
  EXPECT_EQ(text(*after, "/e/a"), "");
}

TEST(FakeFileSystemTest, RemovalIsDurableOnlyAfterSyncDirectory) {
  FakeFileSystem fs;
  durable_file(fs);
  ASSERT_TRUE(fs.remove(kA).has_value());
  EXPECT_EQ(text(*fs.reopen(Survival::none), kA), "old");
  ASSERT_EQ(text(*fs.reopen(Survival::all), kA), "<none>");
}

TEST(FakeFileSystemTest, FailedSyncLosesWhatASecondOneCannotBringBack) {
  FakeFileSystem fs;
  const auto file = durable_file(fs);
  ASSERT_TRUE(file->write_at(3, as_bytes("new")).has_value());
  fs.fail({.set = OperationSet::syncs});
  EXPECT_EQ(file->sync().error().sys_errno, EIO);
  EXPECT_TRUE(file->sync().has_value());
  EXPECT_EQ(text(fs, kA), "oldnew");
  EXPECT_EQ(text(*fs.survivor(Survival::all), kA), "old");
  file->drop_cache();
  EXPECT_EQ(text(fs, kA), "old");
}

TEST(FakeFileSystemTest, AProgramsDeathKeepsThePageCacheButSyncsNothing) {
  FakeFileSystem fs;
  const auto file = durable_file(fs);
  ASSERT_TRUE(file->write_at(3, as_bytes("new")).has_value());
  create(fs, "/d/b");
  const auto restarted = fs.reopen(Survival::page_cache);
  EXPECT_EQ(text(*restarted, kA), "oldnew");
  EXPECT_EQ(text(*restarted, "/d/b"), "");
  const auto after = restarted->reopen(Survival::none);
  EXPECT_EQ(text(*after, kA), "old");
  EXPECT_EQ(text(*after, "/d/b"), "<none>");
}

TEST(FakeFileSystemTest, SomeWritesSurviveInAnyOrder) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    FakeFileSystem fs;
    const auto file = durable_file(fs);
    ASSERT_TRUE(file->write_at(0, as_bytes("A")).has_value());
    ASSERT_TRUE(file->write_at(2, as_bytes("C")).has_value());
    seen.insert(text(*fs.reopen(Survival::some, seed), kA));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"old", "Ald", "olC", "AlC"}));
}

TEST(FakeFileSystemTest, TornWritesKeepWholeSectors) {
  bool mixed = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    FakeFileSystem fs;
    fs.put(kA, Bytes(4096, 'o'));
    auto file = fs.open(kA, OpenMode::write);
    ASSERT_TRUE((*file)->write_at(256, Bytes(3072, 'n')).has_value());
    const Bytes after = *fs.reopen(Survival::torn, seed)->contents(kA);
    for (std::size_t sector = 0; sector < after.size(); sector += 512) {
      const std::size_t from = std::max<std::size_t>(sector, 256);
      const std::size_t to = std::min<std::size_t>(sector + 512, 256 + 3072);
      for (std::size_t i = from; i < to; ++i)
        ASSERT_EQ(after[i], after[from]);
    }
    mixed |= after[300] != after[600];
  }
  EXPECT_TRUE(mixed);
}

TEST(FakeFileSystemTest, TheSameSeedGivesTheSameSurvivors) {
  FakeFileSystem fs;
  const auto file = durable_file(fs);
  for (std::uint64_t i = 0; i < 50; ++i)
    ASSERT_TRUE(file->write_at(i * 100, Bytes(100, 'x')).has_value());
  EXPECT_EQ(text(*fs.reopen(Survival::torn, 7), kA), text(*fs.reopen(Survival::torn, 7), kA));
  EXPECT_NE(text(*fs.reopen(Survival::torn, 7), kA), text(*fs.reopen(Survival::torn, 8), kA));
}

TEST(FakeFileSystemTest, FailsTheOperationThatWasPlanned) {
  FakeFileSystem fs;
  const auto file = durable_file(fs);
  fs.fail({.after = 1, .sys_errno = ENOSPC, .set = OperationSet::writes});
  EXPECT_TRUE(file->write_at(0, as_bytes("x")).has_value());
  EXPECT_TRUE(file->sync().has_value());
  EXPECT_FALSE(fs.fault_struck());
  EXPECT_EQ(file->write_at(0, as_bytes("yz")).error().code, Errc::no_space);
  EXPECT_TRUE(fs.fault_struck());
  EXPECT_EQ(text(fs, kA), "yld");  // half of it was written
  EXPECT_TRUE(file->write_at(0, as_bytes("z")).has_value());
}

TEST(FakeFileSystemTest, FailsFromThenOn) {
  FakeFileSystem fs;
  const auto file = durable_file(fs);
  fs.fail({.after = 1, .from_then_on = true});
  EXPECT_TRUE(file->size().has_value());
  for (int i = 0; i < 3; ++i)
    EXPECT_FALSE(file->size().has_value());
  fs.fail_nothing();
  EXPECT_TRUE(file->size().has_value());
}

TEST(FakeFileSystemTest, CrashStrikesInTheMiddleOfAnOperation) {
  FakeFileSystem fs;
  const auto file = durable_file(fs);
  fs.crash_after(1);
  EXPECT_TRUE(file->write_at(3, as_bytes("1")).has_value());
  EXPECT_FALSE(file->write_at(4, as_bytes("2")).has_value());
  EXPECT_FALSE(file->sync().has_value());
  EXPECT_EQ(text(*fs.reopen(Survival::all), kA), "old12");
  EXPECT_EQ(text(*fs.reopen(Survival::none), kA), "old");
}

TEST(FakeFileSystemTest, CountsOperationsBySet) {
  FakeFileSystem fs;
  const auto file = durable_file(fs);  // one open
  (void)file->write_at(0, as_bytes("x"));
  (void)file->sync();
  (void)file->size();
  EXPECT_EQ(fs.count(), 4u);
  EXPECT_EQ(fs.count(OperationSet::changes), 2u);
  EXPECT_EQ(fs.count(OperationSet::syncs), 1u);
  EXPECT_EQ(fs.count(OperationSet::writes), 1u);
  EXPECT_EQ(fs.count(OperationSet::reads), 2u);
}

TEST(FakeFileSystemTest, AFullDiskTakesWhatFitsAndRemovalMakesRoom) {
  FakeFileSystem fs;
  const auto file = durable_file(fs);
  fs.set_capacity(5);
  EXPECT_EQ(file->write_at(3, as_bytes("1234")).error().code, Errc::no_space);
  EXPECT_EQ(text(fs, kA), "old12");
  EXPECT_TRUE(file->write_at(0, as_bytes("OLD")).has_value());  // no new bytes
  EXPECT_EQ(fs.used_bytes(), 5u);
  ASSERT_TRUE(fs.remove(kA).has_value());
  EXPECT_EQ(fs.used_bytes(), 0u);
}

TEST(FakeFileSystemTest, DamageShowsAtOnceAndStays) {
  FakeFileSystem fs;
  fs.put(kA, as_bytes("abcdef"));
  fs.flip_bit(kA, 0);
  fs.zero(kA, 1, 2);
  fs.truncate(kA, 5);
  EXPECT_EQ(text(fs, kA), std::string("`\0\0de", 5));
  EXPECT_EQ(text(*fs.reopen(Survival::none), kA), std::string("`\0\0de", 5));
  EXPECT_EQ(fs.used_bytes(), 5u);
}

}  // namespace
}  // namespace rb
