#include "repository/pack_repair.h"

#include "base/crc32c.h"
#include "repository/parity_test_support.h"

namespace rb::test {
namespace {

constexpr char kRepaired[] = "/packs/00000003.pack.repaired";

TEST(PackRepairTest, ANewPackIsMadeAndTheOldOneStays) {
  ParityBench bench(300'000, 5, 1);
  bench.damage(3);
  bench.damage(70);
  const Bytes damaged = *bench.fs().contents(kPack);
  const auto repair = write_repaired_pack(bench.fs(), kPack, bench.reader(), kRepaired);
  ASSERT_TRUE(repair) << repair.error().message;
  EXPECT_TRUE(repair->whole);
  EXPECT_EQ(repair->sectors.corrected, (std::vector<std::uint32_t>{3, 70}));
  EXPECT_EQ(*bench.fs().contents(kRepaired), bench.content());
  EXPECT_EQ(*bench.fs().contents(kPack), damaged);
  // And it is synced.
  ASSERT_TRUE(bench.fs().sync_directory("/packs"));
  EXPECT_EQ(*bench.fs().reopen(Survival::none)->contents(kRepaired), bench.content());
}

TEST(PackRepairTest, ATailThatIsGoneComesBack) {
  ParityBench bench(300'000, 5, 2);
  bench.fs().truncate(kPack, 290'000);
  const auto repair = write_repaired_pack(bench.fs(), kPack, bench.reader(), kRepaired);
  ASSERT_TRUE(repair) << repair.error().message;
  EXPECT_TRUE(repair->whole);
  EXPECT_EQ(*bench.fs().contents(kRepaired), bench.content());
}

TEST(PackRepairTest, WhatIsBeyondReachStandsAsItWasFound) {
  ParityBench bench(300'000, 5, 3);
  for (std::uint32_t sector = 10; sector < 20; ++sector)
    bench.damage(sector);
  const auto repair = write_repaired_pack(bench.fs(), kPack, bench.reader(), kRepaired);
  ASSERT_TRUE(repair) << repair.error().message;
  EXPECT_FALSE(repair->whole);
  EXPECT_EQ(repair->sectors.beyond_reach.size(), 10u);
  EXPECT_EQ(*bench.fs().contents(kRepaired), *bench.fs().contents(kPack));
}

TEST(PackRepairTest, NothingIsWrittenOver) {
  ParityBench bench(300'000, 5, 4);
  bench.fs().put(kRepaired, as_bytes("another"));
  EXPECT_FALSE(write_repaired_pack(bench.fs(), kPack, bench.reader(), kRepaired));
  EXPECT_EQ(as_text(*bench.fs().contents(kRepaired)), "another");
}

TEST(PackRepairTest, AtEveryFaultThereIsNoHalfPack) {
  for (std::uint64_t after = 0;; ++after) {
    ParityBench bench(100'000, 5, 5);
    bench.damage(2);
    bench.fs().fail({.after = after, .set = OperationSet::changes});
    const auto repair = write_repaired_pack(bench.fs(), kPack, bench.reader(), kRepaired);
    const bool struck = bench.fs().fault_struck();
    bench.fs().fail_nothing();
    EXPECT_EQ(repair.has_value(), !struck);
    EXPECT_EQ(bench.fs().contents(kRepaired).has_value(), !struck) << after;
    if (!struck) break;
    ASSERT_LT(after, 100u);
  }
}

// A CRC is right by accident once in four thousand million times; here on purpose.
TEST(PackRepairTest, TheDigestDecides) {
  ParityBench bench(300'000, 5, 6);
  // Bits that the CRC can't see: a multiple of its polynomial (0x1edc6f41, reflected 0x82f63b78).
  Bytes bytes = bench.content();
  const auto flip = [&](std::size_t bit) { bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8)); };
  flip(0);
  for (std::size_t i = 0; i < 32; ++i) {
    if (0x82f63b78u >> (31 - i) & 1) flip(32 - i);
  }
  ASSERT_EQ(crc32c(ByteView(bytes).first(4096)), crc32c(bench.original(0)));
  bench.fs().put(kPack, bytes);
  bench.open();
  const auto condition = bench.reader().examine(bench.pack());
  ASSERT_TRUE(condition);
  EXPECT_TRUE(condition->damaged.empty());
  EXPECT_FALSE(condition->pack_intact);
  const auto repair = write_repaired_pack(bench.fs(), kPack, bench.reader(), kRepaired);
  ASSERT_FALSE(repair);
  EXPECT_EQ(repair.error().code, Errc::corrupt);
  EXPECT_FALSE(bench.fs().contents(kRepaired));
}

}  // namespace
}  // namespace rb::test
