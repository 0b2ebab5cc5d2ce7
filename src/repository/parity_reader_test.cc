#include "repository/parity_reader.h"

#include <algorithm>

#include "repository/parity_test_support.h"

namespace rb::test {
namespace {

TEST(ParityReaderTest, AWholePackIsIntact) {
  for (const std::uint64_t bytes :
       {1ull, 4095ull, 4096ull, 4097ull, 99 * 4096ull, 100 * 4096ull, 101 * 4096ull, 700'001ull}) {
    for (const unsigned percent : {1u, 5u, 20u}) {
      ParityBench bench(bytes, percent, 1);
      const auto condition = bench.reader().examine(bench.pack());
      ASSERT_TRUE(condition);
      EXPECT_TRUE(condition->pack_intact && condition->parity_intact()) << bytes;
      bench.check();
    }
  }
}

TEST(ParityReaderTest, EverySectorAloneIsCorrected) {
  ParityBench bench(205 * kParitySectorBytes + 17, 5, 2);
  for (std::uint32_t sector = 0; sector < bench.layout().sectors(); ++sector) {
    bench.heal();
    bench.damage(sector);
    bench.check();
  }
}

// The share of the pack that its parity has, in one piece, wherever it begins.
TEST(ParityReaderTest, ABurstOfTheWholeShareIsCorrected) {
  for (const unsigned percent : {1u, 5u, 20u}) {
    ParityBench bench(450 * kParitySectorBytes - 100, percent, 3);
    const std::uint32_t burst = bench.layout().parity_rows * bench.layout().stripes;
    ASSERT_GE(burst * 100, bench.layout().sectors() * percent);
    for (std::uint32_t first = 0; first + burst <= bench.layout().sectors(); first += 7) {
      bench.heal();
      for (std::uint32_t i = 0; i < burst; ++i)
        bench.damage(first + i);
      ASSERT_TRUE(bench.expected().beyond_reach.empty());
      bench.check();
    }
  }
}

TEST(ParityReaderTest, OneSectorMoreThanTheShareCostsItsStripeOnly) {
  ParityBench bench(450 * kParitySectorBytes, 5, 4);
  const std::uint32_t burst = bench.layout().parity_rows * bench.layout().stripes + 1;
  for (std::uint32_t i = 0; i < burst; ++i)
    bench.damage(20 + i);
  EXPECT_EQ(bench.expected().beyond_reach.size(), bench.layout().parity_rows + 1);
  bench.check();
}

// A thousand histories: scattered sectors, bursts, of the pack and of its parity.
TEST(ParityReaderTest, WithinReachAllComesBackAndBeyondItIsNamed) {
  int beyond = 0, within = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(1000 + seed);
    ParityBench bench(1 + random() % (400 * kParitySectorBytes), 1 + random() % 20, seed);
    for (int trial = 0; trial < 25; ++trial) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", trial " + std::to_string(trial));
      bench.heal();
      const std::uint32_t sectors = bench.layout().sectors(), parity = bench.layout().parity_sectors();
      for (std::uint32_t hits = random() % (2 + sectors / 30); hits > 0; --hits)
        bench.damage(random() % sectors);
      for (std::uint32_t hits = random() % (2 + parity / 4); hits > 0; --hits)
        bench.damage_parity(random() % parity);
      const std::uint32_t burst = random() % 2 == 0 ? random() % (bench.layout().parity_sectors() + 2) : 0;
      const std::uint32_t first = random() % sectors;
      for (std::uint32_t i = first; i < std::min(first + burst, sectors); ++i)
        bench.damage(i);
      bench.check();
      (bench.expected().beyond_reach.empty() ? within : beyond) += 1;
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(beyond, 100) << "or the trials prove little";
  EXPECT_GT(within, 100);
}

TEST(ParityReaderTest, UnreadableSectorsAreCorrectedToo) {
  ParityBench bench(300 * kParitySectorBytes + 5, 5, 5);
  for (int trial = 0; trial < 50; ++trial) {
    bench.heal();
    std::set<std::uint64_t> bad;
    for (int i = 0; i < 6; ++i)
      bad.insert(bench.random()() % bench.layout().sectors());
    for (const std::uint64_t sector : bad)
      bench.note_damage(static_cast<std::uint32_t>(sector));
    bench.check(BadSectorFile(bench.pack(), bad));
  }
}

TEST(ParityReaderTest, ACutPackIsCorrected) {
  ParityBench bench(300 * kParitySectorBytes + 5, 5, 6);
  for (const std::uint64_t size : {300 * kParitySectorBytes + 4, 300 * kParitySectorBytes,
                                   299 * kParitySectorBytes + 100, 290 * kParitySectorBytes}) {
    bench.heal();
    for (std::uint64_t sector = size / kParitySectorBytes; sector < bench.layout().sectors(); ++sector) {
      // One that ends in zeros anyway would not be noticed as damaged; these have random bytes.
      bench.note_damage(static_cast<std::uint32_t>(sector));
    }
    bench.fs().truncate(kPack, size);
    bench.check();
  }
}

TEST(ParityReaderTest, BytesBehindThePackAreNoticedAndIgnored) {
  ParityBench bench(10 * kParitySectorBytes + 5, 5, 7);
  Bytes longer = bench.content();
  longer.push_back(0);
  bench.fs().put(kPack, longer);
  bench.open();
  const auto condition = bench.reader().examine(bench.pack());
  ASSERT_TRUE(condition);
  EXPECT_TRUE(condition->damaged.empty());
  EXPECT_FALSE(condition->pack_intact);
}

// Between looking and repairing more was lost: wrong inputs must not become wrong outputs.
TEST(ParityReaderTest, WhatChangedAfterItWasExaminedIsNotGiven) {
  ParityBench bench(300 * kParitySectorBytes, 5, 8);
  const std::uint32_t stripes = bench.layout().stripes;
  bench.damage(0);
  bench.damage(1);
  const auto condition = bench.reader().examine(bench.pack());
  ASSERT_TRUE(condition);
  bench.damage(10 * stripes);  // the stripe of sector 0
  const auto repaired =
      bench.reader().repair(bench.pack(), *condition, [&](std::uint32_t sector, ByteView bytes) -> Status {
        EXPECT_TRUE(std::ranges::equal(bytes, bench.original(sector)));
        return {};
      });
  ASSERT_TRUE(repaired);
  EXPECT_NE(std::ranges::find(repaired->beyond_reach, 0u), repaired->beyond_reach.end());
}

TEST(ParityReaderTest, RecordsAreReadAsTheyWere) {
  ParityBench bench(500 * kParitySectorBytes + 1234, 5, 9);
  const Bytes& content = bench.content();
  for (int trial = 0; trial < 400; ++trial) {
    bench.heal();
    for (int i = 0; i < 30; ++i)
      bench.damage(bench.random()() % bench.layout().sectors());
    const std::size_t offset = bench.random()() % content.size();
    const std::size_t length = bench.random()() % std::min<std::size_t>(content.size() - offset + 1, 100'000);
    const SectorRepair expected = bench.expected();
    const bool lost = length > 0 && std::ranges::any_of(expected.beyond_reach, [&](std::uint32_t sector) {
                        return sector >= offset / kParitySectorBytes &&
                               sector <= (offset + length - 1) / kParitySectorBytes;
                      });
    const auto bytes = bench.reader().read_corrected(bench.pack(), offset, length);
    ASSERT_EQ(bytes.has_value(), !lost);
    if (lost) {
      ASSERT_EQ(bytes.error().code, Errc::corrupt);
    } else {
      ASSERT_TRUE(std::ranges::equal(*bytes, ByteView(content).subspan(offset, length)));
    }
  }
}

TEST(ParityReaderTest, RangesOutsideThePackAreRefused) {
  ParityBench bench(5000, 5, 10);
  EXPECT_TRUE(bench.reader().read_corrected(bench.pack(), 5000, 0));
  for (const auto& [offset, length] :
       {std::pair<std::uint64_t, std::size_t>{5000, 1}, {0, 5001}, {UINT64_MAX, 2}, {1, SIZE_MAX}}) {
    const auto bytes = bench.reader().read_corrected(bench.pack(), offset, length);
    ASSERT_FALSE(bytes);
    EXPECT_EQ(bytes.error().code, Errc::invalid_argument);
  }
}

TEST(ParityReaderTest, ItCanBePacedAndStopped) {
  ParityBench bench(600 * kParitySectorBytes, 5, 11);
  std::uint64_t read = 0;
  EXPECT_TRUE(bench.reader().examine(bench.pack(), [&](std::uint64_t bytes) -> Status {
    read += bytes;
    return {};
  }));
  EXPECT_EQ(read, (600 + bench.layout().parity_sectors()) * kParitySectorBytes);
  const auto stopped = bench.reader().examine(
      bench.pack(), [](std::uint64_t) -> Status { return fail(Errc::cancelled, "stop"); });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
}

TEST(ParityReaderTest, DamagedPagesOfTheIndexAreReported) {
  ParityBench bench(600 * kParitySectorBytes, 5, 12);
  bench.fs().zero(kParity, bench.layout().page_offset(0, 0), kParitySectorBytes);
  bench.open();
  const auto condition = bench.reader().examine(bench.pack());
  ASSERT_TRUE(condition);
  EXPECT_EQ(condition->damaged_pages, 1u);
  EXPECT_TRUE(condition->pack_intact);
  EXPECT_FALSE(condition->parity_intact());
}

}  // namespace
}  // namespace rb::test
