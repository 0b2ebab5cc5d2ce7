// Only what changed moves, and no change is missed.
#include <fstream>
#include <random>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backup/backup_test_support.h"
#include "backup/hooked_store.h"
#include "base/unique_fd.h"

namespace rb::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Savings : public testing::Test {
 protected:
  Savings() { write_file(scratch_ / "big", big_); }

  // Data and metadata bytes that a run sends.
  struct Sent {
    std::uint64_t data = 0, all = 0, read = 0;
    SnapshotCounts counts;
  };
  Sent back_up(std::string_view flags = "-r", const std::function<void(BackupOptions&)>& adjust = {}) {
    const MemoryStoreStats before = client_.store().stats();
    const auto report = client_.back_up({scratch_.path()}, flags, adjust);
    EXPECT_TRUE(report) << report.error().message;
    const MemoryStoreStats after = client_.store().stats();
    return {after.data_block_bytes - before.data_block_bytes, after.block_bytes - before.block_bytes,
            after.read_bytes - before.read_bytes, report ? report->counts : SnapshotCounts{}};
  }

  ScratchDirectory scratch_;
  Client client_;
  const std::string big_ = noise(4 << 20, 1);
};

TEST_F(Savings, ARenamedFileSendsNoData) {
  back_up();
  ASSERT_EQ(::rename((scratch_ / "big").c_str(), (scratch_ / "other").c_str()), 0);
  EXPECT_EQ(back_up("-rd").data, 0u);
  EXPECT_THAT(client_.copy(scratch_.path()), Contains("other = " + digest(big_)));
}

TEST_F(Savings, ACopiedFileSendsNoData) {
  back_up();
  write_file(scratch_ / "copy", big_);
  EXPECT_EQ(back_up().data, 0u);
}

TEST_F(Savings, ATouchedFileSendsMetadataOnly) {
  let_times_settle();
  back_up();
  ASSERT_EQ(::utimensat(AT_FDCWD, (scratch_ / "big").c_str(), nullptr, 0), 0);
  const Sent sent = back_up();
  EXPECT_EQ(sent.data, 0u);
  EXPECT_LT(sent.all, 4096u);
  EXPECT_EQ(sent.counts.changed, 1u);
}

TEST_F(Savings, AChangedByteSendsAboutAChunk) {
  back_up();
  std::string changed = big_;
  changed[2 << 20] ^= 1;
  write_file(scratch_ / "big", changed);
  EXPECT_LT(back_up().data, 600u << 10);
  EXPECT_THAT(client_.copy(scratch_.path()), Contains("big = " + digest(changed)));
}

TEST_F(Savings, OneChangedFileInALargeDirectorySendsKilobytes) {
  for (int i = 0; i < 5000; ++i)
    write_file(scratch_ / ("file number " + std::to_string(i)), std::to_string(i));
  let_times_settle();
  back_up();
  write_file(scratch_ / "file number 2500", "changed");
  const Sent sent = back_up();
  EXPECT_LT(sent.all, 32u << 10);
  EXPECT_LT(sent.read, 4u << 10) << "the way from the root stands in a block of its own";
  EXPECT_EQ(sent.counts.changed, 1u);
  EXPECT_EQ(sent.counts.unchanged, 5001u);
}

// A directory is edited page by page as long as the cache is what the copy is. Whatever is edited, and
// however often, its tree is the one that reading everything makes, and so is what the cache remembers.
TEST_F(Savings, AnEditedDirectoryIsWhatReadingEverythingMakes) {
  std::mt19937 random(5);
  const auto name = [&](unsigned i) { return scratch_ / ("file number " + std::to_string(1000 + i)); };
  const auto edit = [&] {
    for (unsigned left = 1 + random() % 8; left > 0; --left) {
      const unsigned i = random() % 900;
      if (random() % 3 > 0) {
        write_file(name(i), "round " + std::to_string(random()));
      } else {
        ::unlink(name(i).c_str());
      }
    }
    if (random() % 4 == 0)
      write_file(scratch_ / (random() % 2 ? "a first" : "z last"), std::to_string(random()));
    if (random() % 3 == 0)
      write_file(scratch_ / ("file number 1050 sub/" + std::to_string(random() % 9)), "new");
  };
  make_directory(scratch_ / "file number 1050 sub");
  for (unsigned i = 0; i < 800; ++i)
    write_file(name(i), std::to_string(i));
  back_up("-rd");
  for (int round = 0; round < 30; ++round) {
    edit();
    let_times_settle();
    back_up("-rd");
    const auto edited = client_.root();
    const ScratchDirectory no_cache;
    back_up("-rd", [&](BackupOptions& options) { options.cache_directory = no_cache.path(); });
    ASSERT_EQ(client_.root(), edited) << "round " << round;
    // Nothing is known wrongly: an unchanged run neither reads nor sends.
    const Sent again = back_up("-rd");
    EXPECT_EQ(again.counts.bytes_read, 0u) << "round " << round;
    EXPECT_EQ(again.counts.changed + again.counts.created + again.counts.removed, 0u) << "round " << round;
  }
}

TEST_F(Savings, AWriteWithinTheSameTickIsNeverMissed) {
  for (int round = 0; round < 20; ++round) {
    // The same size each time, so that only times could tell; written right before and right after a run.
    write_file(scratch_ / "small", "round " + std::to_string(10 + round) + " one");
    back_up();
    write_file(scratch_ / "small", "round " + std::to_string(10 + round) + " two");
    back_up();
    EXPECT_THAT(client_.copy(scratch_.path()),
                Contains("small = round " + std::to_string(10 + round) + " two"));
  }
}

TEST_F(Savings, WithChecksumTimesAreNotBelieved) {
  let_times_settle();
  back_up();
  const Sent sent = back_up("-r", [](BackupOptions& options) { options.checksum = true; });
  EXPECT_GE(sent.counts.bytes_read, big_.size());
  EXPECT_EQ(sent.data, 0u);
  EXPECT_EQ(sent.counts.changed, 0u);
}

TEST_F(Savings, AFileThatChangesWhileItIsReadIsNamed) {
  // Most of it is written anew whenever a block of it is sent, so that reading it again sends some too.
  unsigned writes = 0;
  HookedStore store(client_.store(), [&] {
    const UniqueFd fd(::open((scratch_ / "big").c_str(), O_WRONLY));
    const std::string begin = noise(3 << 20, 100 + writes++);
    ASSERT_EQ(::pwrite(fd.get(), begin.data(), begin.size(), 0), 3 << 20);
  });
  BackupOptions options = client_.options({scratch_.path()});
  options.recursive = true;
  std::vector<std::string> warnings;
  BackupEvents events;
  events.on_warning = [&](const std::string& path, const std::string& what) {
    warnings.push_back(path + ": " + what);
  };
  const SystemClock clock;
  const auto report = BackupRun(store, options, events, clock).run();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->incomplete);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("changed while it was being read")));
  EXPECT_EQ(report->warnings, 1u);
  EXPECT_EQ(client_.entry(scratch_ / "big")->size, big_.size());
  // What moved is not trusted: the next run reads it again.
  let_times_settle();
  EXPECT_GE(back_up().counts.bytes_read, big_.size());
  EXPECT_EQ(back_up().counts.bytes_read, 0u);
}

TEST_F(Savings, AFileThatChangedOnceWhileItWasReadIsReadAgain) {
  bool written = false;
  const std::string changed = noise(64, 100) + big_.substr(64);
  HookedStore store(client_.store(), [&] {
    if (!std::exchange(written, true)) write_file(scratch_ / "big", changed);
  });
  BackupOptions options = client_.options({scratch_.path()});
  options.recursive = true;
  const SystemClock clock;
  const auto report = BackupRun(store, options, {}, clock).run();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->warnings, 0u);
  EXPECT_THAT(client_.copy(scratch_.path()), Contains("big = " + digest(changed)));
}

TEST_F(Savings, RecheckReadsSomeUnchangedFilesOnceADay) {
  for (int i = 0; i < 10; ++i)
    write_file(scratch_ / ("f" + std::to_string(i)), noise(100'000, static_cast<unsigned>(i)));
  let_times_settle();
  back_up();
  EXPECT_EQ(back_up().counts.bytes_read, 0u) << "not on the first day";
  // A day passes: the state file says when the last re-check was.
  const auto age = [&] {
    const std::string command = "sed -i '2s/^[0-9]*/1000000000/' " + client_.cache_directory() + "/*.walk";
    ASSERT_EQ(::system(command.c_str()), 0);
  };
  const auto budget = [](BackupOptions& options) { options.recheck_bytes = 250'000; };
  age();
  EXPECT_GE(back_up("-r", budget).counts.bytes_read, 250'000u);
  EXPECT_EQ(back_up("-r", budget).counts.bytes_read, 0u) << "once a day";
  age();
  const auto none = [](BackupOptions& options) { options.recheck_bytes = 0; };
  EXPECT_EQ(back_up("-r", none).counts.bytes_read, 0u);
}

TEST_F(Savings, DeepTreesAreWalkedWithoutRecursion) {
  // Deeper than PATH_MAX allows a path to be.
  int at = ::open(scratch_.path().c_str(), O_RDONLY | O_DIRECTORY);
  for (int depth = 0; depth < 3000; ++depth) {
    ASSERT_EQ(::mkdirat(at, "d", 0755), 0);
    const int next = ::openat(at, "d", O_RDONLY | O_DIRECTORY);
    ::close(at);
    at = next;
  }
  ::close(::openat(at, "bottom", O_CREAT | O_WRONLY, 0600));
  ::close(at);
  let_times_settle();
  const Sent first = back_up();
  EXPECT_EQ(first.counts.created, 3000u + 3u);
  EXPECT_EQ(back_up().counts.unchanged, 3000u + 3u);
}

class Guard : public testing::Test {
 protected:
  void fill(const std::string& directory, int count) {
    make_directory(directory);
    for (int i = 0; i < count; ++i)
      write_file(directory + "/" + std::to_string(i), "x");
  }
  void empty(const std::string& directory, int from, int to) {
    for (int i = from; i < to; ++i)
      ASSERT_EQ(::unlink((directory + "/" + std::to_string(i)).c_str()), 0);
  }
  void expect_refused(Client& client, const std::string& path) {
    const auto before = client.root();
    const auto refused = client.back_up({path}, "-rd");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
    EXPECT_THAT(refused.error().message, HasSubstr("--force"));
    EXPECT_EQ(client.root(), before);
    ASSERT_TRUE(client.back_up({path}, "-rd", [](BackupOptions& options) { options.force = true; }));
    EXPECT_NE(client.root(), before);
  }
  ScratchDirectory scratch_;
};

TEST_F(Guard, RefusesAPathThatIsSuddenlyEmpty) {
  fill(scratch_ / "tree", 3);
  Client client;
  ASSERT_TRUE(client.back_up({scratch_ / "tree"}));
  empty(scratch_ / "tree", 0, 3);
  expect_refused(client, scratch_ / "tree");
  EXPECT_THAT(client.copy(scratch_ / "tree"), SizeIs(1));
}

TEST_F(Guard, RefusesALargeDirectoryThatLosesMoreThanHalf) {
  make_directory(scratch_ / "tree");
  fill(scratch_ / "tree/large", 100);
  Client client;
  ASSERT_TRUE(client.back_up({scratch_ / "tree"}));
  empty(scratch_ / "tree/large", 0, 51);
  expect_refused(client, scratch_ / "tree");
  EXPECT_THAT(client.copy(scratch_ / "tree/large"), SizeIs(50));
}

TEST_F(Guard, LetsOrdinaryDeletionsPass) {
  make_directory(scratch_ / "tree");
  fill(scratch_ / "tree/large", 100);
  fill(scratch_ / "tree/small", 10);
  Client client;
  ASSERT_TRUE(client.back_up({scratch_ / "tree"}));
  empty(scratch_ / "tree/large", 0, 50);
  empty(scratch_ / "tree/small", 0, 10);
  const auto report = client.back_up({scratch_ / "tree"}, "-rd");
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->counts.removed, 60u);
}

TEST_F(Guard, DoesNotCountWhatWasGoneBefore) {
  fill(scratch_ / "tree", 150);
  Client client;
  ASSERT_TRUE(client.back_up({scratch_ / "tree"}));
  empty(scratch_ / "tree", 0, 100);
  ASSERT_TRUE(client.back_up({scratch_ / "tree"}, "-r"));
  EXPECT_TRUE(client.back_up({scratch_ / "tree"}, "-rd"));
  EXPECT_THAT(client.copy(scratch_ / "tree"), SizeIs(51));
}

TEST_F(Guard, ALostPathLeavesTheCopyOnlyByForce) {
  fill(scratch_ / "tree", 3);
  write_file(scratch_ / "other", "x");
  Client client;
  ASSERT_TRUE(client.back_up({scratch_.path()}));
  remove_all(scratch_ / "tree");
  const auto refused = client.back_up({scratch_ / "tree"}, "-rd");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::not_found);
  const auto partly = client.back_up({scratch_ / "tree", scratch_ / "other"}, "-rd");
  ASSERT_TRUE(partly);
  EXPECT_TRUE(partly->incomplete);
  EXPECT_THAT(client.copy(scratch_ / "tree"), SizeIs(4));
  ASSERT_TRUE(
      client.back_up({scratch_ / "tree"}, "-rd", [](BackupOptions& options) { options.force = true; }));
  EXPECT_FALSE(client.entry(scratch_ / "tree"));
}

}  // namespace
}  // namespace rb::test
