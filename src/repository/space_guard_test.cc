#include "repository/space_guard.h"

#include <gtest/gtest.h>

#include "base/fake_file_system.h"

namespace rb {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

class SpaceGuardTest : public ::testing::Test {
 protected:
  SpaceGuardTest() {
    EXPECT_TRUE(fs_.create_directory("/r"));
    fs_.set_capacity(3200 * kMiB);
  }
  // As if others wrote until so much is left.
  void leave(std::uint64_t bytes) { fs_.set_capacity(fs_.used_bytes() + bytes); }

  FakeFileSystem fs_;
};

TEST_F(SpaceGuardTest, ClosesBelowTheBoundAndOpensAtTwiceAsMuch) {
  SpaceGuard guard(fs_, "/r", {.keep_free = kMiB / 4});
  fs_.put("/r/full", Bytes(20 * kMiB));
  leave(kMiB / 4);
  EXPECT_TRUE(guard.check());
  leave(kMiB / 4 - 1);
  EXPECT_EQ(guard.check().error().code, Errc::no_space);
  EXPECT_NE(guard.read_only_reason().find("0.2 MiB are free"), std::string::npos);
  leave(kMiB / 2 - 1);
  EXPECT_FALSE(guard.check());
  leave(kMiB / 2);
  EXPECT_TRUE(guard.check());
  EXPECT_EQ(guard.read_only_reason(), "");
}

TEST_F(SpaceGuardTest, KeepsLittleOfASmallDisk) {
  SpaceGuard guard(fs_, "/r", {.keep_free = 1000 * kMiB});
  fs_.set_capacity(32 * kMiB);
  EXPECT_TRUE(guard.check());
  fs_.put("/r/full", Bytes(31 * kMiB + 1));
  EXPECT_FALSE(guard.check());
}

TEST_F(SpaceGuardTest, WithoutALimitNothingIsChecked) {
  SpaceGuard guard(fs_, "/r", {});
  fs_.set_capacity(0);
  EXPECT_TRUE(guard.check());
}

TEST_F(SpaceGuardTest, TheReserveIsMadeOnceAndGivenUp) {
  SpaceGuard guard(fs_, "/r", {.keep_free = kMiB, .reserve = 3 * kMiB + 5});
  ASSERT_TRUE(guard.make_reserve());
  EXPECT_EQ(fs_.contents("/r/reserve")->size(), 3 * kMiB + 5);
  const std::uint64_t changes = fs_.count(OperationSet::changes);
  ASSERT_TRUE(guard.make_reserve());
  EXPECT_EQ(fs_.count(OperationSet::changes), changes);
  ASSERT_TRUE(guard.give_up_reserve());
  EXPECT_EQ(fs_.contents("/r/reserve"), std::nullopt);
  EXPECT_TRUE(guard.give_up_reserve());
}

// It is never what fills the disk.
TEST_F(SpaceGuardTest, NoReserveWhereThereIsNoRoomForIt) {
  SpaceGuard guard(fs_, "/r", {.keep_free = kMiB, .reserve = 3 * kMiB});
  fs_.put("/r/full", Bytes(200 * kMiB));
  leave(4 * kMiB - 1);
  ASSERT_TRUE(guard.make_reserve());
  EXPECT_EQ(fs_.contents("/r/reserve"), std::nullopt);
}

TEST_F(SpaceGuardTest, OneThatWasNotFinishedIsMadeAnew) {
  SpaceGuard guard(fs_, "/r", {.reserve = 2 * kMiB});
  fs_.crash_after(2);
  EXPECT_FALSE(guard.make_reserve());
  const auto after = fs_.reopen(Survival::all);
  SpaceGuard again(*after, "/r", {.reserve = 2 * kMiB});
  ASSERT_TRUE(again.make_reserve());
  EXPECT_EQ(after->contents("/r/reserve")->size(), 2 * kMiB);
}

}  // namespace
}  // namespace rb
