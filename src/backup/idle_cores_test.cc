#include "backup/idle_cores.h"

#include <gtest/gtest.h>

namespace rb {
namespace {

TEST(IdleCoresTest, LetsThreadsInOneByOneWhileCoresIdle) {
  EXPECT_EQ(IdleCores::next_room(0, 3, {.idle = 50, .all = 100}), 1);
  EXPECT_EQ(IdleCores::next_room(2, 3, {.idle = 50, .all = 100}), 3);
  EXPECT_EQ(IdleCores::next_room(3, 3, {.idle = 100, .all = 100}), 3);
}

TEST(IdleCoresTest, LetsThemGoWhereNoneDoes) {
  EXPECT_EQ(IdleCores::next_room(2, 3, {.idle = 0, .all = 100}), 1);
  EXPECT_EQ(IdleCores::next_room(0, 3, {.idle = 0, .all = 100}), 0);
}

TEST(IdleCoresTest, LeavesItWhereFewDo) {
  EXPECT_EQ(IdleCores::next_room(2, 3, {.idle = 8, .all = 100}), 2);
}

TEST(IdleCoresTest, ReadsTheMachinesTime) {
  MachineTime time;
  ASSERT_TRUE(read_machine_time(time));
  EXPECT_GT(time.all, 0u);
  EXPECT_LE(time.idle, time.all);
}

TEST(IdleCoresTest, HasNoRoomBeforeItLooked) {
  IdleCores cores(4);
  EXPECT_EQ(cores.room(), 0);
}

}  // namespace
}  // namespace rb
