#include "backup/stat_ahead.h"

#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>

#include "backup/worker_bench.h"

namespace rb::test {
namespace {

constexpr std::size_t kNames = 2500;  // three batches

class StatAheadTest : public testing::Test {
 protected:
  StatAheadTest() {
    for (std::size_t i = 0; i < kNames; ++i) {
      const std::string path = scratch_ / std::to_string(100'000 + i);
      if (i % 1000 == 999) {
        make_directory(path);
      } else {
        write_file(path, std::string(i % 7, 'x'));
      }
    }
    auto opened = OpenDirectory::open(AT_FDCWD, scratch_.path().c_str());
    EXPECT_TRUE(opened);
    names_ = std::make_shared<NameList>(*opened->list());
    directory_ = std::make_shared<OpenDirectory>(std::move(*opened));
  }

  void expect_true(std::size_t index, const Result<FileStat>& seen) const {
    const auto now = directory_->stat(names_->c_str(index));
    ASSERT_EQ(seen.has_value(), now.has_value()) << index;
    if (!now) return;
    EXPECT_EQ(seen->inode, now->inode) << index;
    EXPECT_EQ(seen->size, now->size) << index;
    EXPECT_EQ(seen->type, now->type) << index;
  }

  ScratchDirectory scratch_;
  WorkerBench bench_;
  std::shared_ptr<const OpenDirectory> directory_;
  std::shared_ptr<const NameList> names_;
  WorkerPool pool_;
};

TEST_F(StatAheadTest, SeesWhatStatSees) {
  for (const bool helped : {false, true}) {
    std::jthread helper;
    WorkerPool pool;
    if (helped) helper = std::jthread([&] { pool.work(bench_.worker); });
    StatAhead looks(pool, directory_, names_);
    for (std::size_t i = 0; i < kNames; i += i % 3 == 0 ? 1 : 2)
      expect_true(i, looks.look(i, bench_.worker));
    pool.close();
  }
}

TEST_F(StatAheadTest, MayPassByMostNames) {
  ASSERT_EQ(::unlink((scratch_ / "102400").c_str()), 0);
  StatAhead looks(pool_, directory_, names_);
  expect_true(3, looks.look(3, bench_.worker));
  const auto gone = looks.look(2400, bench_.worker);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Errc::not_found);
  expect_true(kNames - 1, looks.look(kNames - 1, bench_.worker));
}

TEST_F(StatAheadTest, LooksForItselfWhereThePoolIsClosed) {
  pool_.close();
  StatAhead looks(pool_, directory_, names_);
  expect_true(0, looks.look(0, bench_.worker));
  expect_true(2400, looks.look(2400, bench_.worker));
}

// A run that is stopped lets go of its directories while other threads still work for it.
TEST_F(StatAheadTest, WorkUnderWayKeepsTheDirectory) {
  {
    StatAhead looks(pool_, directory_, names_);
    expect_true(0, looks.look(0, bench_.worker));
  }
  const std::weak_ptr<const OpenDirectory> watched = directory_;
  directory_.reset();
  names_.reset();
  EXPECT_FALSE(watched.expired());
  std::jthread late([&] { pool_.work(bench_.worker); });
  while (!watched.expired())
    std::this_thread::yield();
  pool_.close();
}

}  // namespace
}  // namespace rb::test
