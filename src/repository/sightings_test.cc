#include "repository/sightings.h"

#include <gtest/gtest.h>

namespace rb {
namespace {

using Clone = Sightings::Clone;

class SightingsTest : public testing::Test {
 protected:
  Clone note(const std::string& boot, std::uint32_t node = 1) {
    return sightings_.note(node, {.boot_id = boot}, {}, now_);
  }
  std::vector<Clone> note_all(const std::vector<std::string>& boots) {
    std::vector<Clone> found;
    for (const std::string& boot : boots)
      found.push_back(note(boot));
    return found;
  }
  bool cloned() const { return sightings_.last(1, now_)->cloned; }

  Sightings sightings_;
  std::chrono::nanoseconds now_{};
};

TEST_F(SightingsTest, RebootsAreNoClones) {
  for (int boot = 0; boot < 100; ++boot) {
    EXPECT_EQ(note(std::to_string(boot)), Clone::none);
    EXPECT_EQ(note(std::to_string(boot)), Clone::none);
  }
  EXPECT_FALSE(cloned());
}

TEST_F(SightingsTest, TwoInTurnAreNoticedOnce) {
  EXPECT_EQ(
      note_all({"a", "b", "a", "b", "b", "a"}),
      (std::vector{Clone::none, Clone::none, Clone::noticed, Clone::known, Clone::known, Clone::known}));
  EXPECT_TRUE(cloned());
}

TEST_F(SightingsTest, OneComesBackAfterRebootsOfTheOther) {
  EXPECT_EQ(note_all({"a", "b1", "b2", "b3", "a"}).back(), Clone::noticed);
}

TEST_F(SightingsTest, AnEpisodeEnds) {
  (void)note_all({"a", "b", "a"});
  now_ += std::chrono::hours(24 * 14);
  EXPECT_FALSE(cloned());
  EXPECT_EQ(note("a"), Clone::none);
  EXPECT_EQ(note("b"), Clone::noticed) << "another one is told of again";
}

TEST_F(SightingsTest, WhatIsNoBootIdSaysNothing) {
  const std::string endless(65, 'x');
  EXPECT_EQ(note_all({"a", "", "a", endless, "a", endless}), std::vector(6, Clone::none));
}

TEST_F(SightingsTest, NodesAreApart) {
  EXPECT_EQ(note("a", 1), Clone::none);
  EXPECT_EQ(note("b", 2), Clone::none);
  EXPECT_EQ(note("a", 2), Clone::none);
  EXPECT_EQ(note("b", 1), Clone::none);
}

TEST_F(SightingsTest, AJoinForgets) {
  (void)note_all({"a", "b", "a"});
  sightings_.forget(1);
  EXPECT_FALSE(sightings_.last(1, now_));
  EXPECT_EQ(note("b"), Clone::none);
}

TEST_F(SightingsTest, OnlySixteenAreRemembered) {
  (void)note("old");
  for (int boot = 0; boot < 16; ++boot)
    (void)note(std::to_string(boot));
  EXPECT_EQ(note("old"), Clone::none);
}

TEST_F(SightingsTest, LabelsAreMadeFitToBeShown) {
  const BeginRequest request{.client_version = "1.0\x1b[2J\n" + std::string(1000, 'v'),
                             .client_address = "::1"};
  (void)sightings_.note(1, request, {5, 0}, now_);
  const auto seen = sightings_.last(1, now_);
  EXPECT_EQ(seen->address, "::1");
  EXPECT_EQ(seen->client_version.substr(0, 9), "1.0?[2J?v");
  EXPECT_EQ(seen->client_version.size(), 128u);
  EXPECT_EQ(seen->seen, (Timestamp{5, 0}));
}

}  // namespace
}  // namespace rb
