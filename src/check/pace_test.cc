#include "check/pace.h"

#include <thread>

#include <gtest/gtest.h>

#include "base/fake_file_system.h"

namespace rb {
namespace {

using std::chrono::steady_clock;

TEST(PaceTest, WithoutALimitNothingWaits) {
  Pace pace;
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(pace.spend(1ull << 40));
  EXPECT_EQ(pace.bytes(), 1000ull << 40);
}

// Never faster than it says; how much slower is the machine's affair.
TEST(PaceTest, WhatIsReadIsPaidForInTime) {
  Pace pace(1'000'000);
  const auto began = steady_clock::now();
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(pace.spend(50'000));
  EXPECT_GE(steady_clock::now() - began, std::chrono::milliseconds(250)) << "0.5 s, less what was saved up";
}

TEST(PaceTest, WhoWaitsIsWokenByCancelling) {
  Pace pace(1);
  std::thread canceller([&] { pace.cancel(); });
  EXPECT_EQ(pace.spend(1ull << 40).error().code, Errc::cancelled) << "would take 35,000 years";
  canceller.join();
  EXPECT_EQ(pace.check().error().code, Errc::cancelled);
  EXPECT_EQ(pace.spend(0).error().code, Errc::cancelled);
}

TEST(PaceTest, ANewLimitHoldsForWhatComes) {
  Pace pace(1);
  pace.limit(0);
  EXPECT_TRUE(pace.spend(1ull << 40));
}

TEST(PaceTest, APacedFileCountsWhatItReads) {
  FakeFileSystem fs;
  ASSERT_TRUE(write_file_atomically(fs, "/file", Bytes(1000, 7)));
  const auto file = fs.open("/file", OpenMode::read);
  ASSERT_TRUE(file);
  Pace pace;
  PacedFile paced(**file, pace);
  Bytes out(600);
  EXPECT_EQ(paced.read_at(0, out), 600u);
  EXPECT_EQ(pace.bytes(), 600u);
  EXPECT_EQ(paced.size(), 1000u);
  EXPECT_FALSE(paced.write_at(0, out));
}

}  // namespace
}  // namespace rb
