// A store that fails, fences and is used by several runs at once; runs that are interrupted. Nothing
// half-done is ever seen, and the next run goes on.
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backup/backup_test_support.h"

namespace rb::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::SizeIs;

void make_tree(const std::string& at) {
  write_file(at + "/a", "a");
  write_file(at + "/big", noise(2'500'000, 5));
  for (int i = 0; i < 4; ++i) {
    const std::string sub = at + "/sub" + std::to_string(i);
    make_directory(sub);
    for (int j = 0; j < 5; ++j)
      write_file(sub + "/f" + std::to_string(j), noise(400, static_cast<unsigned>(i * 10 + j)));
  }
}

TEST(Faults, AStoreThatFailsAtAnyCallFailsTheRunAndHarmsNothing) {
  ScratchDirectory scratch;
  make_tree(scratch.path());
  let_times_settle();
  Client reference;
  ASSERT_TRUE(reference.back_up({scratch.path()}));

  bool failed = true;
  for (std::uint64_t calls = 0; failed; ++calls) {
    ASSERT_LT(calls, 200u);
    Client client;
    // An earlier commit, so that asking and reading are among the calls.
    ASSERT_TRUE(client.back_up({scratch / "sub0"}));
    const auto before = client.root();
    client.store().fail_after(calls, Error(Errc::no_space, "the disk is full"));
    const auto report = client.back_up({scratch.path()});
    failed = !report;
    if (failed) {
      EXPECT_EQ(report.error().code, Errc::no_space);
      EXPECT_EQ(client.root(), before) << "after call " << calls;
      EXPECT_TRUE(client.heard().failures.empty()) << "an error of the store is never one of a file";
    }
    client.store().fail_after(1'000'000, Error());
    ASSERT_TRUE(client.back_up({scratch.path()}));
    EXPECT_EQ(client.copy(scratch.path()), reference.copy(scratch.path()));
  }
}

TEST(Faults, ASessionThatIsFencedAtAnyCallIsBegunAgain) {
  ScratchDirectory scratch;
  make_tree(scratch.path());
  let_times_settle();
  Client reference;
  ASSERT_TRUE(reference.back_up({scratch.path()}));
  for (std::uint64_t calls = 0; calls < 12; ++calls) {
    Client client;
    ASSERT_TRUE(client.back_up({scratch / "sub0"}));
    client.store().fail_after(calls, Error(Errc::fenced, "fenced"));
    const auto report = client.back_up({scratch.path()});
    ASSERT_TRUE(report) << report.error().message;
    client.store().fail_after(1'000'000, Error());
    EXPECT_EQ(client.copy(scratch.path()), reference.copy(scratch.path())) << "at call " << calls;
  }
}

TEST(Faults, FencingInTheMiddleOfTheWalkLosesNothing) {
  ScratchDirectory scratch;
  make_tree(scratch.path());
  Client client;
  std::atomic<int> files{0};
  BackupOptions options = client.options({scratch.path()});
  options.recursive = true;
  BackupEvents events;
  events.on_path = [&](const std::string&, PathOutcome, std::uint64_t) {
    if (++files == 10) client.store().fence_all();
  };
  const SystemClock clock;
  BackupRun run(client.store(), options, events, clock);
  const auto report = run.run();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_THAT(client.copy(scratch.path()), SizeIs(1 + 2 + 4 * 6));
}

TEST(Interrupt, TheNextRunNeitherReadsNorSendsAgain) {
  ScratchDirectory scratch;
  make_tree(scratch.path());
  let_times_settle();
  Client client;
  // Somebody else's commit, so that the store is not empty and questions are asked.
  write_file(scratch / "a", "a");
  ASSERT_TRUE(client.back_up({scratch / "a"}, ""));

  BackupOptions options = client.options({scratch.path()});
  options.recursive = true;
  options.threads = 1;
  int directories = 0;
  BackupRun* running = nullptr;
  BackupEvents events;
  events.on_path = [&](const std::string& path, PathOutcome, std::uint64_t) {
    if (path.find("/sub") != path.npos && path.find("/f") == path.npos && ++directories == 3)
      running->cancel();
  };
  const SystemClock clock;
  BackupRun run(client.store(), options, events, clock);
  running = &run;
  const auto cut = run.run();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Errc::cancelled);

  const auto report = client.back_up({scratch.path()});
  ASSERT_TRUE(report) << report.error().message;
  // Three of the four directories were done.
  EXPECT_LE(report->counts.bytes_read, 2'500'000u + 1u + 5 * 400u);
  EXPECT_THAT(client.copy(scratch.path()), SizeIs(1 + 2 + 4 * 6));
}

TEST(Interrupt, BeforeItBeginsNothingIsAsked) {
  ScratchDirectory scratch;
  Client client;
  const SystemClock clock;
  BackupRun run(client.store(), client.options({scratch.path()}), {}, clock);
  run.cancel();
  const auto report = run.run();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::cancelled);
  EXPECT_EQ(client.store().stats().begins, 0u);
}

TEST(Concurrency, RunsOfOneNodeOnNestedPathsAreMerged) {
  ScratchDirectory scratch;
  make_tree(scratch.path());
  const auto repository = make_memory_repository(ChunkParams{});
  Client outer(repository), inner(repository);
  ASSERT_TRUE(outer.back_up({scratch.path()}));

  // The inner run commits while the outer one is under way.
  write_file(scratch / "sub1/f0", "changed before");
  bool nested = false;
  BackupOptions options = outer.options({scratch.path()});
  options.recursive = true;
  options.threads = 1;
  BackupEvents events;
  events.on_path = [&](const std::string& path, PathOutcome, std::uint64_t) {
    if (nested || path != scratch / "sub1/f0") return;
    nested = true;
    write_file(scratch / "sub0/new", "from the inner run");
    write_file(scratch / "sub3/f1", "seen by the inner run");
    ASSERT_TRUE(inner.back_up({scratch / "sub0"}));
    ASSERT_TRUE(inner.back_up({scratch / "sub3"}));
  };
  const SystemClock clock;
  BackupRun run(outer.store(), options, events, clock);
  const auto report = run.run();
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_TRUE(nested);
  EXPECT_TRUE(report->merged);
  EXPECT_TRUE(outer.snapshot()->merged);
  const auto copy = outer.copy(scratch.path());
  EXPECT_THAT(copy, Contains("sub0/new = from the inner run"));
  EXPECT_THAT(copy, Contains("sub1/f0 = changed before"));
  EXPECT_THAT(copy, Contains("sub3/f1 = seen by the inner run"));
}

TEST(Concurrency, ManyRunsAtOnceAllCommit) {
  ScratchDirectory scratch;
  make_tree(scratch.path());
  const auto repository = make_memory_repository(ChunkParams{});
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      Client client(repository);
      for (int round = 0; round < 3; ++round) {
        const auto report = client.back_up({scratch / ("sub" + std::to_string(i))});
        EXPECT_TRUE(report) << report.error().message;
      }
    });
  }
  threads.clear();
  Client reader(repository);
  EXPECT_EQ(reader.copy(scratch.path()).size(), 1u + 4 * 6);
  EXPECT_EQ(reader.snapshot()->sources.size(), 4u);
}

TEST(DamagedCache, IsNoCache) {
  ScratchDirectory scratch;
  make_tree(scratch.path());
  let_times_settle();
  Client client;
  ASSERT_TRUE(client.back_up({scratch.path()}));
  const auto root = client.root();
  for (const std::size_t offset : {100u, 700u, 2000u}) {
    // Every file of the cache, one byte turned over.
    const std::string command = "for f in " + client.cache_directory() +
                                "/*; do printf '\\377' | dd of=\"$f\" bs=1 seek=" + std::to_string(offset) +
                                " conv=notrunc status=none; done";
    ASSERT_EQ(::system(command.c_str()), 0);
    const auto report = client.back_up({scratch.path()});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(client.root(), root);
    // A good one has taken its place.
    const auto next = client.back_up({scratch.path()});
    ASSERT_TRUE(next) << next.error().message;
    EXPECT_EQ(next->counts.bytes_read, 0u);
  }
}

}  // namespace
}  // namespace rb::test
