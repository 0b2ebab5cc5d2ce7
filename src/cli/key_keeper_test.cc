#include "cli/key_keeper.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "support/temp_directory.h"

namespace rb::cli {
namespace {

using Pins = std::vector<api::KeyPin>;

class SettlePinsTest : public testing::Test {
 protected:
  const api::KeyPin old_ = random_id<api::KeyPin>(), next_ = random_id<api::KeyPin>(),
                    other_ = random_id<api::KeyPin>();
  int probes_ = 0;

  Pins settled(const Pins& pins, std::optional<api::KeyPin> announced, const api::KeyPin& present) {
    const auto result = settle_pins(pins, announced, [&](const api::KeyPin& pin) -> Result<bool> {
      ++probes_;
      return pin == present;
    });
    EXPECT_TRUE(result);
    return *result;
  }
};

TEST_F(SettlePinsTest, OneKeyAndNoneAnnounced) {
  EXPECT_EQ(settled({old_}, {}, old_), Pins{old_});
  EXPECT_EQ(settled({old_}, old_, old_), Pins{old_});
  EXPECT_EQ(probes_, 0);
}

TEST_F(SettlePinsTest, AnAnnouncedKeyIsTrustedBesideThePresentOne) {
  EXPECT_EQ(settled({old_}, next_, old_), (Pins{old_, next_}));
  EXPECT_EQ(settled({old_, next_}, next_, old_), (Pins{old_, next_}));
  EXPECT_EQ(probes_, 0);
}

TEST_F(SettlePinsTest, AfterTheSwitchTheOldKeyIsTrustedNoLonger) {
  EXPECT_EQ(settled({old_, next_}, {}, next_), Pins{next_});
  EXPECT_EQ(settled({old_, next_}, other_, next_), (Pins{next_, other_}));
}

TEST_F(SettlePinsTest, AKeyThatWasGivenUpBeforeItCame) {
  EXPECT_EQ(settled({old_, next_}, {}, old_), Pins{old_});
  // The worst would be to drop the key that the server has.
  EXPECT_EQ(settled({old_, next_}, other_, old_), (Pins{old_, other_}));
}

TEST_F(SettlePinsTest, WhatCanNotBeFoundOutChangesNothing) {
  const auto result = settle_pins({old_, next_}, {}, [](const api::KeyPin&) -> Result<bool> {
    return fail(Errc::unavailable, "the line is down");
  });
  EXPECT_FALSE(result);
}

TEST(KeyKeeperTest, WritesWhatWasSettled) {
  const test::TempDirectory scratch;
  const JoinedServerFile file(scratch / "config");
  const JoinedServer joined{.address = "host:1",
                            .pins = {random_id<api::KeyPin>()},
                            .credential = {random_id<CredentialId>(), random_id<SecretKey>()}};
  ASSERT_TRUE(file.save(joined));
  const api::KeyPin next = random_id<api::KeyPin>();
  KeyKeeper keeper(file, joined, [&](const api::KeyPin& pin) -> Result<bool> { return pin == next; });
  ASSERT_TRUE(keeper.settle());
  EXPECT_EQ((*file.load())->pins, joined.pins);
  keeper.note_announced(next);
  ASSERT_TRUE(keeper.settle());
  EXPECT_EQ((*file.load())->pins, (Pins{joined.pins[0], next}));
  ASSERT_TRUE(keeper.settle());
  EXPECT_EQ((*file.load())->pins, Pins{next});
}

}  // namespace
}  // namespace rb::cli
