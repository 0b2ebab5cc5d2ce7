// The pack store's promise under failures and power cuts at every single operation: what a sync acknowledged
// is found again, and nothing is found that was not appended.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/fake_file_system.h"
#include "repository/pack_store.h"

namespace rb {
namespace {

const RepositoryId kCrashRepository = *id_from_hex<RepositoryId>("000102030405060708090a0b0c0d0e0f");
constexpr char kCrashDirectory[] = "/packs";
constexpr int kBlocks = 14;

PackRecordOwner owner_of(int i) {
  return {.node = static_cast<std::uint32_t>(i), .domain = 5};
}

// Spans several sectors; its number is in its bytes.
Bytes block_of(int i) {
  Bytes block(static_cast<std::size_t>(700 + 333 * i));
  for (std::size_t at = 0; at < block.size(); ++at)
    block[at] = static_cast<std::uint8_t>(at * 7 + at / 256 + i * 41);
  return block;
}

struct Found {
  std::map<PackPosition, int> blocks;  // by number
  bool complete = false;               // the scan did not fail
};

std::unique_ptr<PackStore> open_store(FileSystem& fs) {
  auto store = PackStore::open(fs, kCrashDirectory, HashKey{}, kCrashRepository, {.pack_bytes_max = 9000});
  return store ? std::move(*store) : nullptr;
}

Found scan(PackStore& store, const PackPosition& from = {}) {
  Found found;
  const auto result =
      store.scan(from, [&](const PackPosition& at, const PackRecordOwner& owner, ByteView block) {
        EXPECT_LT(owner.node, static_cast<std::uint32_t>(2 * kBlocks)) << "was never appended";
        EXPECT_TRUE(std::ranges::equal(block, block_of(static_cast<int>(owner.node))));
        found.blocks[at] = static_cast<int>(owner.node);
        return Status{};
      });
  found.complete = result.has_value();
  return found;
}

// What a client of the store may rely on.
struct Ledger {
  std::map<PackPosition, int> acknowledged, appended;
  std::vector<PackPosition> watermarks;  // end() at a moment when everything before it was settled
};

// Appends all blocks, syncing after every third, and goes on whatever happens.
void run_workload(FileSystem& fs, Ledger& ledger) {
  const auto store = open_store(fs);
  if (!store) return;
  std::map<PackPosition, int> waiting;
  for (int i = 0; i < kBlocks; ++i) {
    const auto at = store->append(owner_of(i), block_of(i));
    if (at) waiting[*at] = ledger.appended[*at] = i;
    if (i % 3 != 2 && i != kBlocks - 1) continue;
    if (store->sync()) ledger.acknowledged.insert(waiting.begin(), waiting.end());
    waiting.clear();
    ledger.watermarks.push_back(store->end());
  }
}

void expect_acknowledged(const Ledger& ledger, PackStore& store) {
  const Found found = scan(store);
  EXPECT_TRUE(found.complete);
  for (const auto& [at, i] : ledger.acknowledged) {
    const auto there = found.blocks.find(at);
    ASSERT_TRUE(there != found.blocks.end()) << "block " << i << " was acknowledged and is gone";
    EXPECT_EQ(there->second, i);
    const auto record = store.read(at);
    ASSERT_TRUE(record.has_value()) << record.error().message;
    EXPECT_EQ(record->block, block_of(i));
  }
}

// Whoever remembers a position must find there what came after it, in this life of the store and the next.
void expect_watermarks_hold(const Ledger& ledger, PackStore& store) {
  for (const PackPosition& mark : ledger.watermarks) {
    const Found found = scan(store, mark);
    for (const auto& [at, i] : ledger.acknowledged) {
      EXPECT_TRUE(at < mark || found.blocks.contains(at)) << "block " << i;
    }
  }
}

// Opens what a crash left, works on it, and looks whether everything holds.
void check_next_life(FakeFileSystem& fs, Ledger ledger) {
  const auto store = open_store(fs);
  ASSERT_TRUE(store != nullptr);
  expect_acknowledged(ledger, *store);
  const PackPosition mark = store->end();
  for (int i = kBlocks; i < kBlocks + 4; ++i) {
    const auto at = store->append(owner_of(i), block_of(i));
    ASSERT_TRUE(at.has_value());
    EXPECT_GE(*at, mark);
    for (const PackPosition& earlier : ledger.watermarks)
      EXPECT_GE(*at, earlier);
    EXPECT_TRUE(ledger.acknowledged.emplace(*at, i).second) << "a place that was given out before";
  }
  ASSERT_TRUE(store->sync().has_value());
  expect_acknowledged(ledger, *store);
  expect_watermarks_hold(ledger, *store);
}

TEST(PackStoreCrashTest, PowerCutAtEveryOperation) {
  for (std::uint64_t n = 0;; ++n) {
    FakeFileSystem fs;
    ASSERT_TRUE(fs.create_directory(kCrashDirectory).has_value());
    ASSERT_TRUE(fs.sync_directory("/").has_value());
    fs.crash_after(n);
    Ledger ledger;
    run_workload(fs, ledger);
    const bool struck = fs.fault_struck();
    if (!struck) {
      EXPECT_EQ(ledger.acknowledged.size(), static_cast<std::size_t>(kBlocks));
    }
    for (const Survival survival : {Survival::none, Survival::all, Survival::some, Survival::torn}) {
      const bool uncertain = survival == Survival::some || survival == Survival::torn;
      for (std::uint64_t seed = 0; seed < (uncertain ? 6 : 1); ++seed) {
        SCOPED_TRACE(testing::Message()
                     << "crash at " << n << ", survival " << static_cast<int>(survival) << ", seed " << seed);
        const auto next = fs.reopen(survival, seed);
        check_next_life(*next, ledger);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
    if (!struck) break;
  }
}

// The program dies, its successor sees in the kernel's memory what is not on the disk yet and tells others;
// then the power goes too.
TEST(PackStoreCrashTest, WhatAScanReportedSurvivesALaterPowerCut) {
  for (std::uint64_t n = 0;; ++n) {
    FakeFileSystem fs;
    ASSERT_TRUE(fs.create_directory(kCrashDirectory).has_value());
    ASSERT_TRUE(fs.sync_directory("/").has_value());
    fs.crash_after(n);
    Ledger ledger;
    run_workload(fs, ledger);
    const bool struck = fs.fault_struck();
    const auto restarted = fs.reopen(Survival::page_cache);
    {
      const auto store = open_store(*restarted);
      ASSERT_TRUE(store != nullptr);
      expect_acknowledged(ledger, *store);
      for (const auto& [at, i] : scan(*store).blocks)
        ledger.acknowledged[at] = i;
      ledger.watermarks.push_back(store->end());
    }
    SCOPED_TRACE(testing::Message() << "crash at " << n);
    check_next_life(*restarted->reopen(Survival::none), ledger);
    if (testing::Test::HasFatalFailure()) return;
    if (!struck) break;
  }
}

void fail_at_every_operation(FakeFileSystem::Fault fault) {
  for (fault.after = 0;; ++fault.after) {
    SCOPED_TRACE(testing::Message() << "failure at " << fault.after << " with errno " << fault.sys_errno);
    FakeFileSystem fs;
    ASSERT_TRUE(fs.create_directory(kCrashDirectory).has_value());
    ASSERT_TRUE(fs.sync_directory("/").has_value());
    fs.fail(fault);
    Ledger ledger;
    run_workload(fs, ledger);
    const bool struck = fs.fault_struck();
    if (!struck) {
      EXPECT_EQ(ledger.acknowledged.size(), static_cast<std::size_t>(kBlocks));
    }
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      check_next_life(*fs.reopen(seed == 0 ? Survival::none : Survival::torn, seed), ledger);
      if (testing::Test::HasFatalFailure()) return;
    }
    if (!struck) break;
  }
}

TEST(PackStoreCrashTest, OneFailureAtEveryOperation) {
  fail_at_every_operation({.sys_errno = EIO});
  fail_at_every_operation({.sys_errno = ENOSPC});
}

TEST(PackStoreCrashTest, FailuresFromEveryOperationOn) {
  fail_at_every_operation({.sys_errno = EIO, .from_then_on = true});
}

// A failed sync in the middle loses its own records and no others: the workload goes on and is acknowledged.
TEST(PackStoreCrashTest, OneFailureIsSurvived) {
  FakeFileSystem fs;
  ASSERT_TRUE(fs.create_directory(kCrashDirectory).has_value());
  fs.fail({.after = 4, .set = OperationSet::syncs});
  Ledger ledger;
  run_workload(fs, ledger);
  EXPECT_TRUE(fs.fault_struck());
  EXPECT_GE(ledger.acknowledged.size(), static_cast<std::size_t>(kBlocks - 6));
  EXPECT_LT(ledger.acknowledged.size(), static_cast<std::size_t>(kBlocks));
}

TEST(PackStoreCrashTest, AScanThatFailsSaysSo) {
  FakeFileSystem fs;
  ASSERT_TRUE(fs.create_directory(kCrashDirectory).has_value());
  Ledger ledger;
  run_workload(fs, ledger);
  for (std::uint64_t n = 0;; ++n) {
    const auto store = open_store(fs);
    ASSERT_TRUE(store != nullptr);
    fs.fail({.after = n});
    const Found found = scan(*store);
    const bool struck = fs.fault_struck();
    fs.fail_nothing();
    EXPECT_TRUE(!found.complete || found.blocks == ledger.acknowledged) << n;
    if (!struck) break;
  }
}

}  // namespace
}  // namespace rb
