#include "check/read_log.h"

#include <gtest/gtest.h>

#include "base/fake_file_system.h"

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
