#include "check/read_log.h"

#include <thread>

#include <gtest/gtest.h>

#include "base/fake_file_system.h"
#include "support/temp_directory.h"

namespace rb {
namespace {

constexpr char kPath[] = "/last-read";

class ReadLogTest : public testing::Test {
 protected:
  // Notes two packs and a reading of all that is under way.
  void fill() {
    ReadLog log(fs_, kPath);
    log.note(1, {100, 5});
    log.note(UINT64_MAX, {-7, 999'999'999});
    log.begin_all({50, 0});
    ASSERT_TRUE(log.save());
  }
  FakeFileSystem fs_;
};

TEST_F(ReadLogTest, WhatWasNotedIsThereAgain) {
  fill();
  ReadLog log(fs_, kPath);
  EXPECT_EQ(log.last_read(1), (Timestamp{100, 5}));
  EXPECT_EQ(log.last_read(UINT64_MAX), (Timestamp{-7, 999'999'999}));
  EXPECT_EQ(log.last_read(2), std::nullopt);
  EXPECT_EQ(log.begin_all({60, 0}), (Timestamp{50, 0})) << "it is gone on with";
}

TEST_F(ReadLogTest, ACheckAndTheScrubMaySaveAtTheSameTime) {
  constexpr std::uint64_t kRounds = 50;
  const test::TempDirectory directory;
  const auto files = make_posix_file_system();  // whose steps take long enough to meet
  ReadLog log(*files, directory / "last-read");
  const auto work = [&](std::uint64_t first) {
    for (std::uint64_t i = 0; i < kRounds; ++i) {
      log.note(first + i, {1, 0});
      const Status saved = log.save();
      ASSERT_TRUE(saved) << saved.error().message;
    }
  };
  std::thread scrub([&] { work(1); });
  work(1 + kRounds);
  scrub.join();
  const ReadLog again(*files, directory / "last-read");
  for (std::uint64_t pack = 1; pack <= 2 * kRounds; ++pack)
    EXPECT_TRUE(again.last_read(pack)) << pack;
}

TEST_F(ReadLogTest, AReadingThatHasEndedIsBegunAnew) {
  fill();
  ReadLog log(fs_, kPath);
  log.end_all();
  EXPECT_EQ(log.begin_all({60, 0}), (Timestamp{60, 0}));
}

TEST_F(ReadLogTest, OneThatBeganInTheFutureProvesNothing) {
  fill();
  ReadLog log(fs_, kPath);
  EXPECT_EQ(log.begin_all({40, 0}), (Timestamp{40, 0})) << "the clock went back";
}

TEST_F(ReadLogTest, ForgettingIsSavedToo) {
  fill();
  {
    ReadLog log(fs_, kPath);
    log.forget(1);
    log.forget(17);
    ASSERT_TRUE(log.save());
  }
  EXPECT_EQ(ReadLog(fs_, kPath).last_read(1), std::nullopt);
}

TEST_F(ReadLogTest, NothingIsWrittenWhereNothingChanged) {
  ReadLog log(fs_, kPath);
  ASSERT_TRUE(log.save());
  log.forget(1);
  log.end_all();
  ASSERT_TRUE(log.save());
  EXPECT_FALSE(fs_.contents(kPath));
}

TEST_F(ReadLogTest, AnyDamageIsAnEmptyLog) {
  fill();
  const Bytes good = *fs_.contents(kPath);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    fs_.flip_bit(kPath, bit);
    ReadLog log(fs_, kPath);
    EXPECT_EQ(log.last_read(1), std::nullopt) << bit;
    EXPECT_EQ(log.begin_all({1000, 0}), (Timestamp{1000, 0})) << bit;
    fs_.flip_bit(kPath, bit);
  }
  EXPECT_TRUE(ReadLog(fs_, kPath).last_read(1));
}

}  // namespace
}  // namespace rb
