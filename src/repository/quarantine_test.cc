#include "repository/quarantine.h"

#include <gtest/gtest.h>

#include "base/fake_file_system.h"
#include "repository/object_index.h"
#include "support/filled_id.h"

namespace rb {
namespace {

using test::filled_id;

constexpr char kPath[] = "/r/quarantine";

QuarantinedObject object_of(std::uint8_t number, std::uint64_t offset) {
  return {.domain = 3, .id = filled_id(number), .at = {.pack = 7, .offset = offset}};
}

// Whether what is found at this offset counts as complete.
bool complete_at(const Quarantine& quarantine, std::uint8_t number, std::uint64_t offset,
                 std::uint32_t domain = 3) {
  const ObjectId id = filled_id(number);
  std::optional<FoundObject> found =
      FoundObject{ObjectRow{.number = number, .at = {.pack = 7, .offset = offset}}};
  quarantine.apply(domain, std::span(&id, 1), std::span(&found, 1));
  return found->complete();
}

class QuarantineTest : public testing::Test {
 protected:
  QuarantineTest() {
    EXPECT_TRUE(fs_.create_directory("/r"));
    EXPECT_TRUE(fs_.sync_directory("/"));
  }
  FakeFileSystem fs_;
};

TEST_F(QuarantineTest, FlagsAnObjectAtItsPlaceOnly) {
  Quarantine quarantine(fs_, kPath);
  EXPECT_TRUE(complete_at(quarantine, 1, 80));
  EXPECT_EQ(quarantine.add(std::vector{object_of(1, 80), object_of(2, 96)}), 2u);
  EXPECT_EQ(quarantine.add(std::vector{object_of(1, 80)}), 0u);
  EXPECT_FALSE(complete_at(quarantine, 1, 80));
  EXPECT_TRUE(complete_at(quarantine, 1, 96)) << "a good copy";
  EXPECT_TRUE(complete_at(quarantine, 1, 80, 4)) << "another domain";
  EXPECT_TRUE(complete_at(quarantine, 3, 80));
  EXPECT_EQ(quarantine.add(std::vector{object_of(1, 160)}), 1u) << "the copy was damaged too";
  EXPECT_EQ(quarantine.size(), 2u);
}

TEST_F(QuarantineTest, IsDurableWhenItSaysSo) {
  {
    Quarantine quarantine(fs_, kPath);
    ASSERT_TRUE(quarantine.add(std::vector{object_of(1, 80)}));
    quarantine.note_run(3, 5);
  }
  const auto after = fs_.reopen(Survival::none);
  const Quarantine quarantine(*after, kPath);
  EXPECT_EQ(quarantine.size(), 1u);
  EXPECT_FALSE(complete_at(quarantine, 1, 80));
}

TEST_F(QuarantineTest, ADamagedFileIsAnEmptyOne) {
  {
    Quarantine quarantine(fs_, kPath);
    ASSERT_TRUE(quarantine.add(std::vector{object_of(1, 80), object_of(2, 96)}));
  }
  const Bytes whole = *fs_.contents(kPath);
  for (std::size_t bit = 0; bit < whole.size() * 8; bit += 7) {
    fs_.put(kPath, whole);
    fs_.flip_bit(kPath, bit);
    EXPECT_EQ(Quarantine(fs_, kPath).size(), 0u) << "bit " << bit;
  }
  for (std::size_t length = 0; length < whole.size(); ++length) {
    fs_.put(kPath, ByteView(whole).first(length));
    EXPECT_EQ(Quarantine(fs_, kPath).size(), 0u) << length << " bytes";
  }
  fs_.put(kPath, whole);
  EXPECT_EQ(Quarantine(fs_, kPath).size(), 2u);
}

TEST_F(QuarantineTest, WhatCanNotBeWrittenIsAnError) {
  Quarantine quarantine(fs_, kPath);
  fs_.fail({.from_then_on = true});
  EXPECT_FALSE(quarantine.add(std::vector{object_of(1, 80)}));
  EXPECT_FALSE(complete_at(quarantine, 1, 80)) << "it is known all the same";
}

}  // namespace
}  // namespace rb
