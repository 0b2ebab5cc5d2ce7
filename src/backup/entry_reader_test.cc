#include "backup/entry_reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/worker_bench.h"

namespace rb::test {
namespace {

class ReadUnseen : public testing::Test {
 protected:
  std::optional<ReadResult> read(const char* name) {
    const auto directory = OpenDirectory::open(AT_FDCWD, scratch_.path().c_str());
    return bench_.worker.entries.read_unseen(*directory, name, {});
  }
  FileStat stat(const char* name) const {
    return *OpenDirectory::open(AT_FDCWD, scratch_.path().c_str())->stat(name);
  }

  ScratchDirectory scratch_;
  WorkerBench bench_;
};

TEST_F(ReadUnseen, MakesTheEntryThatALookBeforeMakes) {
  write_file(scratch_ / "empty", "");
  write_file(scratch_ / "tiny", "tiny");
  write_file(scratch_ / "small", noise(30'000, 1));
  let_times_settle();
  const auto directory = OpenDirectory::open(AT_FDCWD, scratch_.path().c_str());
  for (const char* const name : {"empty", "tiny", "small"}) {
    const auto unseen = read(name);
    ASSERT_TRUE(unseen) << name;
    const ReadResult seen = bench_.worker.entries.read(*directory, name, stat(name), {});
    ASSERT_EQ(unseen->status, ReadResult::Status::done);
    EXPECT_EQ(unseen->entry, seen.entry) << name;
    EXPECT_EQ(unseen->signature, seen.signature) << name;
    EXPECT_TRUE(unseen->signature.trusted);
  }
}

// It may have changed while it was read.
TEST_F(ReadUnseen, LeavesWhatChangedAMomentAgo) {
  write_file(scratch_ / "file", "new");
  EXPECT_FALSE(read("file"));
  let_times_settle();
  EXPECT_TRUE(read("file"));
  ASSERT_EQ(::chmod((scratch_ / "file").c_str(), 0600), 0);
  EXPECT_FALSE(read("file"));
  const timespec long_ago[2] = {{1'000'000, 0}, {1'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (scratch_ / "file").c_str(), long_ago, 0), 0);
  EXPECT_FALSE(read("file")) << "an old mtime says nothing";
}

TEST_F(ReadUnseen, LeavesWhatIsNoSmallFile) {
  write_file(scratch_ / "large", noise(40'000, 1));
  make_directory(scratch_ / "directory");
  ASSERT_EQ(::symlink("large", (scratch_ / "link").c_str()), 0);
  ASSERT_EQ(::mkfifo((scratch_ / "fifo").c_str(), 0600), 0);
  let_times_settle();
  for (const char* const name : {"large", "directory", "link", "fifo", "absent"})
    EXPECT_FALSE(read(name)) << name;
}

}  // namespace
}  // namespace rb::test
