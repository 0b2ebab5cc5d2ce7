#include "repository/stored_bytes.h"

#include <gtest/gtest.h>

namespace rb {
namespace {

using ByNode = StoredBytes::ByNode;
using ByPack = StoredBytes::ByPack;

TEST(StoredBytesTest, CountsByNodeAndByPack) {
  StoredBytes stored(ByNode{{1, 100}}, ByPack{{3, {{1, 60}}}});
  stored.add(1, 3, 1, 5);
  stored.add(2, 3, 2, 7);
  stored.add(3, 4, 1, 11);
  EXPECT_EQ(stored.of(1), 116u);
  EXPECT_EQ(stored.up_to(2), (ByNode{{1, 105}, {2, 7}}));
  EXPECT_EQ(stored.packs_up_to(2), (ByPack{{3, {{1, 65}, {2, 7}}}}));
  EXPECT_EQ(stored.packs_up_to(3), (ByPack{{3, {{1, 65}, {2, 7}}}, {4, {{1, 11}}}}));
  stored.moved(2);
  EXPECT_EQ(stored.packs_up_to(2), ByPack{});
  stored.add(4, 4, 1, 1);
  EXPECT_EQ(stored.packs_up_to(4), (ByPack{{4, {{1, 12}}}}));
}

TEST(StoredBytesTest, GoesOnInThePackThatIsOpen) {
  StoredBytes stored({}, ByPack{{9, {{7, 1}}}});  // of the collector: it stands between
  for (std::uint64_t ticket = 1; ticket <= 4; ++ticket) {
    stored.add(ticket, ticket / 4, 1, 10);
    stored.moved(ticket);
  }
  stored.add(5, 1, 2, 1);
  EXPECT_EQ(stored.packs_up_to(5), (ByPack{{1, {{1, 10}, {2, 1}}}}));
}

TEST(StoredBytesTest, WhatIsLostCountsForNothing) {
  StoredBytes stored;
  stored.add(1, 3, 1, 5);
  stored.add(2, 4, 1, 7);
  stored.drop_after(1);
  EXPECT_EQ(stored.of(1), 5u);
  EXPECT_EQ(stored.packs_up_to(9), (ByPack{{3, {{1, 5}}}}));
}

TEST(StoredBytesTest, APackThatGoesIsTakenOff) {
  StoredBytes stored(ByNode{{1, 100}}, {});
  stored.add(1, 3, 1, 5);
  stored.set_moved({{1, 40}});
  EXPECT_EQ(stored.of(1), 45u);
}

}  // namespace
}  // namespace rb
