// Packs of the collector, and packs that go.
#include <gtest/gtest.h>

#include "base/fake_file_system.h"
#include "format/pack_parity.h"
#include "repository/pack_store.h"

namespace rb {
namespace {

const RepositoryId kRepository = *id_from_hex<RepositoryId>("000102030405060708090a0b0c0d0e0f");
constexpr PackRecordOwner kOwner{.node = 1, .domain = 2};
constexpr char kDirectory[] = "/packs";

Bytes make_block(std::uint8_t seed) {
  return Bytes(100 + seed, seed);
}

std::unique_ptr<PackStore> open_store(FakeFileSystem& fs) {
  auto opened = PackStore::open(fs, kDirectory, HashKey{}, kRepository, {.pack_bytes_max = 300});
  EXPECT_TRUE(opened) << opened.error().message;
  return opened ? std::move(*opened) : nullptr;
}

class PackRemovalTest : public testing::Test {
 protected:
  PackRemovalTest() {
    EXPECT_TRUE(fs_.create_directory(kDirectory) && fs_.sync_directory("/"));
    store_ = open_store(fs_);
  }
  // Each goes into a pack of its own.
  PackPosition append(std::uint8_t seed) {
    const auto at = store_->append(kOwner, make_block(seed));
    EXPECT_TRUE(at && store_->sync());
    return at.value_or(PackPosition{});
  }
  std::string path(std::uint64_t pack) { return std::string(kDirectory) + "/" + pack_file_name(pack); }
  std::string parity_path(std::uint64_t pack) {
    return std::string(kDirectory) + "/" + pack_parity_file_name(pack);
  }

  FakeFileSystem fs_;
  std::unique_ptr<PackStore> store_;
};

using Numbers = std::vector<std::uint64_t>;

TEST_F(PackRemovalTest, RemovesPacksWithTheirParity) {
  for (const std::uint8_t seed : {1, 2, 3})
    append(seed);
  ASSERT_TRUE(store_->read({.pack = 1, .offset = kPackHeaderBytes}));
  fs_.put(parity_path(1), make_block(9));
  const std::uint64_t stored = store_->stored_bytes(), size = fs_.contents(path(1))->size();
  const auto freed = store_->remove(Numbers{1});
  ASSERT_TRUE(freed) << freed.error().message;
  EXPECT_EQ(*freed, size);
  EXPECT_EQ(store_->stored_bytes(), stored - size);
  EXPECT_EQ(store_->packs(), (Numbers{2, 3}));
  EXPECT_FALSE(fs_.contents(path(1)) || fs_.contents(parity_path(1)));
  EXPECT_EQ(store_->read({.pack = 1, .offset = kPackHeaderBytes}).error().code, Errc::not_found);
  EXPECT_TRUE(store_->read({.pack = 2, .offset = kPackHeaderBytes}));
  // It is durable, and its number does not come back.
  const auto left = fs_.reopen(Survival::none);
  const auto again = open_store(*left);
  EXPECT_EQ(again->packs(), (Numbers{2, 3}));
  EXPECT_EQ(again->append(kOwner, make_block(4))->pack, 4u);
}

TEST_F(PackRemovalTest, RefusesWhatMustStay) {
  append(1);
  append(2);
  for (const Numbers& numbers : {Numbers{2}, Numbers{3}, Numbers{1, 2}}) {
    EXPECT_EQ(store_->remove(numbers).error().code, Errc::invalid_argument);
  }
  EXPECT_EQ(store_->packs(), (Numbers{1, 2}));
  // The highest is not removed when nothing is open either.
  store_ = open_store(fs_);
  EXPECT_EQ(store_->remove(Numbers{2}).error().code, Errc::invalid_argument);
  EXPECT_TRUE(store_->remove(Numbers{1}));
}

TEST_F(PackRemovalTest, APowerCutLeavesNoParityWithoutItsPack) {
  for (std::uint64_t steps = 0;; ++steps) {
    FakeFileSystem fs;
    ASSERT_TRUE(fs.create_directory(kDirectory) && fs.sync_directory("/"));
    auto store = open_store(fs);
    for (const std::uint8_t seed : {1, 2, 3, 4})
      ASSERT_TRUE(store->append(kOwner, make_block(seed)) && store->sync());
    for (const std::uint64_t pack : {1, 2})
      fs.put(parity_path(pack), make_block(9));
    fs.crash_after(steps);
    const bool done = store->remove(Numbers{1, 2}).has_value();
    store = nullptr;
    for (const Survival survival : {Survival::none, Survival::all, Survival::some}) {
      const auto left = fs.survivor(survival, steps);
      for (const std::uint64_t pack : {1, 2}) {
        EXPECT_TRUE(left->contents(path(pack)) || !left->contents(parity_path(pack))) << steps;
        EXPECT_FALSE(done && left->contents(path(pack)));
      }
      const auto again = open_store(*left);
      ASSERT_NE(again, nullptr);
      for (const std::uint64_t pack : {3, 4})
        EXPECT_TRUE(again->read({.pack = pack, .offset = kPackHeaderBytes}));
      EXPECT_EQ(again->append(kOwner, make_block(5))->pack, 5u);
    }
    if (done) break;
  }
}

TEST_F(PackRemovalTest, TheCollectorsPackIsBesideTheSessions) {
  const PackPosition first = append(1);
  const PackPosition end = store_->end();
  auto collector = store_->begin_collector_pack();
  ASSERT_TRUE(collector);
  EXPECT_EQ((*collector)->number(), 2u);
  const auto copy = (*collector)->append(kOwner, make_block(7));
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->pack, 2u);
  EXPECT_EQ(store_->end(), end);                 // the sessions' watermark does not move
  EXPECT_EQ(store_->sealed_packs(), Numbers{});  // one is open, the other being filled
  EXPECT_EQ(store_->remove(Numbers{1}).error().code, Errc::invalid_argument);
  ASSERT_TRUE((*collector)->finish());
  EXPECT_EQ(store_->sealed_packs(), Numbers{2});
  EXPECT_EQ(store_->read(*copy)->block, make_block(7));
  EXPECT_EQ(append(2).pack, 3u);
  EXPECT_EQ(*store_->writer(2), PackWriter::collector);
  EXPECT_EQ(*store_->writer(3), PackWriter::sessions);
  EXPECT_EQ(store_->writer(9).error().code, Errc::not_found);

  // Finished is durable, and said by the header.
  const auto left = fs_.reopen(Survival::none);
  const auto again = open_store(*left);
  EXPECT_EQ(again->read(*copy)->block, make_block(7));
  EXPECT_EQ(again->read(first)->block, make_block(1));
  EXPECT_EQ(*again->writer(2), PackWriter::collector);
  EXPECT_EQ(*again->writer(1), PackWriter::sessions);
}

TEST_F(PackRemovalTest, ACollectorsPackThatFailedIsNeverSealed) {
  append(1);
  auto collector = store_->begin_collector_pack();
  ASSERT_TRUE(collector && (*collector)->append(kOwner, make_block(7)));
  fs_.fail({.set = OperationSet::syncs});
  EXPECT_FALSE((*collector)->finish());
  append(2);
  EXPECT_EQ(store_->sealed_packs(), Numbers{1});
}

TEST_F(PackRemovalTest, ScansOnePack) {
  append(1);
  append(2);
  std::vector<Bytes> seen;
  const auto visit = [&](const PackPosition&, const PackRecordOwner& owner, ByteView block) -> Status {
    EXPECT_EQ(owner, kOwner);
    seen.emplace_back(block.begin(), block.end());
    return {};
  };
  const auto scanned = store_->scan_pack(1, visit);
  ASSERT_TRUE(scanned);
  EXPECT_EQ(scanned->records, 1u);
  EXPECT_EQ(seen, std::vector<Bytes>{make_block(1)});
  EXPECT_EQ(store_->scan_pack(7, visit).error().code, Errc::not_found);
}

}  // namespace
}  // namespace rb
