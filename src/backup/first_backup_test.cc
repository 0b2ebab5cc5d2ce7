// A first backup stores everything; a second one of the same tree sends nothing and opens nothing.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_test_support.h"

namespace rb::test {
namespace {

using testing::ElementsAre;

void make_small_tree(const std::string& at) {
  make_directory(at);
  write_file(at + "/empty", "");
  write_file(at + "/hello", "hello");
  write_file(at + "/medium", noise(5000, 1));
  make_directory(at + "/sub");
  make_directory(at + "/sub/deeper");
  write_file(at + "/sub/deeper/x", "x");
  ::symlink("../hello", (at + "/sub/link").c_str());
  ::mkfifo((at + "/sub/pipe").c_str(), 0600);
}

TEST(FirstBackup, StoresEveryKindOfFile) {
  ScratchDirectory scratch;
  make_small_tree(scratch / "tree");
  Client client;
  const auto report = client.back_up({scratch / "tree"});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->incomplete);
  EXPECT_EQ(report->counts.created, 9u);
  EXPECT_THAT(client.copy(scratch / "tree"),
              ElementsAre("./", "empty = ", "hello = hello", "medium = " + digest(noise(5000, 1)), "sub/",
                          "sub/deeper/", "sub/deeper/x = x", "sub/link -> ../hello", "sub/pipe [fifo]"));
  EXPECT_TRUE(client.entry("/")->implied);
}

TEST(FirstBackup, ASourceSaysHowMuchItHolds) {
  ScratchDirectory scratch;
  make_small_tree(scratch / "tree");
  write_file(scratch / "alone", "alone");
  Client client;
  for (int run = 0; run < 2; ++run) {  // the second one opens nothing, and knows all the same
    ASSERT_TRUE(client.back_up({scratch / "tree", scratch / "alone"}));
    const std::vector<Source> sources = client.snapshot()->sources;
    ASSERT_EQ(sources.size(), 2u);
    EXPECT_EQ(sources[0].files, 1u);
    EXPECT_EQ(sources[0].bytes, 5u);
    EXPECT_EQ(sources[1].files, 6u) << "directories are not counted";
    EXPECT_EQ(sources[1].bytes, 5006u);
  }
}

TEST(FirstBackup, LargeAndSparseFilesComeBackExactly) {
  ScratchDirectory scratch;
  const std::string large = noise(3 << 20, 7);
  write_file(scratch / "large", large);
  write_file(scratch / "zeros", std::string(700'000, '\0'));
  const int fd = ::open((scratch / "sparse").c_str(), O_CREAT | O_WRONLY, 0600);
  ASSERT_EQ(::pwrite(fd, "begin", 5, 1 << 20), 5);
  ASSERT_EQ(::ftruncate(fd, 4 << 20), 0);
  ::close(fd);
  std::string sparse(4 << 20, '\0');
  sparse.replace(1 << 20, 5, "begin");

  Client client;
  ASSERT_TRUE(client.back_up({scratch.path()}));
  EXPECT_THAT(client.copy(scratch.path()),
              ElementsAre("./", "large = " + digest(large), "sparse = " + digest(sparse),
                          "zeros = " + digest(std::string(700'000, '\0'))));
}

TEST(FirstBackup, ATerabyteHoleCostsNothing) {
  ScratchDirectory scratch;
  const int fd = ::open((scratch / "huge").c_str(), O_CREAT | O_WRONLY, 0600);
  if (::ftruncate(fd, 1ll << 40) != 0) GTEST_SKIP() << "the file system has no files that long";
  ::close(fd);
  Client client;
  const auto report = client.back_up({scratch.path()});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_LT(report->counts.bytes_read, 1u << 20);
  EXPECT_EQ(client.entry(scratch / "huge")->size, 1ull << 40);
}

TEST(SecondBackup, OfAnUnchangedTreeSendsAndReadsNothing) {
  ScratchDirectory scratch;
  make_small_tree(scratch / "tree");
  let_times_settle();
  Client client;
  ASSERT_TRUE(client.back_up({scratch / "tree"}));
  const auto root = client.root();
  const MemoryStoreStats before = client.store().stats();

  const auto report = client.back_up({scratch / "tree"});
  ASSERT_TRUE(report) << report.error().message;
  const MemoryStoreStats after = client.store().stats();
  EXPECT_EQ(report->counts.unchanged, 9u);
  EXPECT_EQ(report->counts.bytes_read, 0u);
  EXPECT_EQ(client.root(), root);
  EXPECT_EQ(after.data_block_bytes, before.data_block_bytes);
  EXPECT_EQ(after.blocks - before.blocks, 1u) << "the snapshot itself";
  EXPECT_EQ(after.commits - before.commits, 1u) << "a backup commits also when nothing changed";
}

TEST(SecondBackup, WithoutACacheReadsButSendsNothing) {
  ScratchDirectory scratch;
  make_small_tree(scratch / "tree");
  write_file(scratch / "tree/large", noise(1 << 20, 3));
  Client client;
  ASSERT_TRUE(client.back_up({scratch / "tree"}));
  const auto root = client.root();
  const MemoryStoreStats before = client.store().stats();
  client.forget_cache();
  const auto report = client.back_up({scratch / "tree"});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_GT(report->counts.bytes_read, 1u << 20);
  EXPECT_EQ(client.store().stats().data_block_bytes, before.data_block_bytes);
  EXPECT_EQ(client.root(), root);
}

}  // namespace
}  // namespace rb::test
