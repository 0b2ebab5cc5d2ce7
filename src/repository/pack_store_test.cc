#include "repository/pack_store.h"

#include <atomic>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "base/fake_file_system.h"
#include "base/limits.h"
#include "repository/pack_scanner.h"

namespace rb {
namespace {

const RepositoryId kRepository = *id_from_hex<RepositoryId>("000102030405060708090a0b0c0d0e0f");
constexpr PackRecordOwner kOwner{.node = 1, .domain = 2};
constexpr char kDirectory[] = "/packs";

HashKey test_key() {
  HashKey key{};
  key[0] = 77;
  return key;
}

Bytes make_block(std::size_t size, std::uint8_t seed = 1) {
  Bytes block(size);
  std::uint32_t state = seed * 2654435761u + 1;
  for (std::uint8_t& byte : block)
    byte = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return block;
}

using Found = std::map<PackPosition, Bytes>;

class PackStoreTest : public testing::Test {
 protected:
  PackStoreTest() {
    EXPECT_TRUE(fs_.create_directory(kDirectory).has_value());
    EXPECT_TRUE(fs_.sync_directory("/").has_value());
    open();
  }
  void open(PackStoreOptions options = {}) {
    auto opened = PackStore::open(fs_, kDirectory, test_key(), kRepository, options);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    store_ = std::move(*opened);
  }
  PackPosition append(ByteView block) {
    const auto at = store_->append(kOwner, block);
    EXPECT_TRUE(at.has_value());
    return at.value_or(PackPosition{});
  }
  Found scan(const PackPosition& from = {}) {
    Found found;
    const auto result =
        store_->scan(from, [&](const PackPosition& at, const PackRecordOwner& owner, ByteView block) {
          EXPECT_EQ(owner, kOwner);
          found[at] = Bytes(block.begin(), block.end());
          return Status{};
        });
    EXPECT_TRUE(result.has_value());
    if (result) {
      EXPECT_EQ(result->records, found.size());
      skipped_ = result->skipped_bytes;
    }
    return found;
  }
  std::string path(const PackPosition& at) { return std::string(kDirectory) + "/" + pack_file_name(at.pack); }

  FakeFileSystem fs_;
  std::unique_ptr<PackStore> store_;
  std::uint64_t skipped_ = 0;
};

TEST_F(PackStoreTest, ReadsWhatWasAppended) {
  Found blocks;
  for (const std::size_t size : {32, 100, 4096, 70000, 1500000, 8 << 20}) {
    const Bytes block = make_block(size);
    blocks[append(block)] = block;
  }
  ASSERT_TRUE(store_->sync().has_value());
  for (const auto& [at, block] : blocks) {
    const auto record = store_->read(at);
    ASSERT_TRUE(record.has_value()) << record.error().message;
    EXPECT_EQ(record->owner, kOwner);
    EXPECT_EQ(record->block, block);
  }
  EXPECT_EQ(scan(), blocks);
  EXPECT_EQ(skipped_, 0u);
}

TEST_F(PackStoreTest, RefusesWhatIsNoBlock) {
  EXPECT_EQ(store_->append(kOwner, Bytes(31)).error().code, Errc::invalid_argument);
  EXPECT_EQ(store_->append(kOwner, Bytes(kMaxBlockBytes + 1)).error().code, Errc::invalid_argument);
  EXPECT_TRUE(store_->packs().empty());
}

// What is large goes to the disk in whole blocks of the device, and what is left of one by itself.
TEST_F(PackStoreTest, WhatWasAppendedIsWrittenAtOnceAndSyncedOnce) {
  append(make_block(300000));
  ASSERT_TRUE(store_->sync().has_value());
  for (const auto& [size, writes_wanted] : {std::pair{300000, 2u}, {100, 1u}}) {
    const std::uint64_t writes = fs_.count(OperationSet::writes), syncs = fs_.count(OperationSet::syncs);
    for (int i = 0; i < 3; ++i)
      append(make_block(static_cast<std::size_t>(size)));
    EXPECT_EQ(fs_.count(OperationSet::writes), writes);
    ASSERT_TRUE(store_->sync().has_value());
    ASSERT_TRUE(store_->sync().has_value());
    EXPECT_EQ(fs_.count(OperationSet::writes) - writes, writes_wanted);
    EXPECT_EQ(fs_.count(OperationSet::syncs) - syncs, 1u);
  }
}

// Before it is written, and in stretches of all lengths up to more than gathers at once.
TEST_F(PackStoreTest, AStretchBeginsWhereTheLastOneEnded) {
  Found blocks;
  for (std::size_t size = 32; size < (6 << 20); size = size * 3 / 2 + 7) {
    for (std::uint8_t i = 0; i < 3; ++i) {
      const Bytes block = make_block(size, i);
      blocks[append(block)] = block;
    }
    if (size % 2 == 0) ASSERT_TRUE(store_->sync().has_value());
  }
  for (const auto& [at, block] : blocks)
    EXPECT_EQ(store_->read(at)->block, block);
  EXPECT_EQ(scan(), blocks);
  EXPECT_EQ(skipped_, 0u);
  EXPECT_EQ(store_->end().offset, fs_.contents(path(store_->end()))->size());
}

TEST_F(PackStoreTest, OpensANewPackBeyondTheLimit) {
  open({.pack_bytes_max = 10000, .collections_begun = 6});
  Found blocks;
  for (std::uint8_t i = 0; i < 10; ++i) {
    const Bytes block = make_block(4000, i);
    blocks[append(block)] = block;
  }
  const PackPosition large = append(make_block(50000));  // larger than a pack may be: has one for itself
  blocks[large] = make_block(50000);
  EXPECT_EQ(large.offset, kPackHeaderBytes);
  EXPECT_EQ(store_->packs(), (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6}));
  ASSERT_TRUE(store_->sync().has_value());
  EXPECT_EQ(scan(), blocks);
  std::uint64_t bytes = 0;
  for (const std::uint64_t pack : store_->packs()) {
    const Bytes content = *fs_.contents(path({.pack = pack}));
    EXPECT_EQ(*decode_pack_header(content),
              (PackHeader{.repository = kRepository, .number = pack, .collections_begun = 6}));
    bytes += content.size();
  }
  EXPECT_EQ(store_->stored_bytes(), bytes);
  open();
  EXPECT_EQ(store_->stored_bytes(), bytes);
}

TEST_F(PackStoreTest, PacksOfAnEarlierProcessAreNeverAppendedTo) {
  append(make_block(100));
  ASSERT_TRUE(store_->sync().has_value());
  const Bytes before = *fs_.contents(path({.pack = 1}));
  open();
  EXPECT_EQ(append(make_block(200)).pack, 2u);
  EXPECT_EQ(*fs_.contents(path({.pack = 1})), before);
}

TEST_F(PackStoreTest, NumbersGoOnAboveTheLargestName) {
  fs_.put("/packs/000000ff.pack", as_bytes("whatever"));
  fs_.put("/packs/00000fff.pack.damaged", as_bytes("not a pack's name"));
  open();
  EXPECT_EQ(append(make_block(100)).pack, 0x100u);
  fs_.put("/packs/00000101.pack", as_bytes("somebody else's"));
  open({.pack_bytes_max = 1});
  append(make_block(100));
  EXPECT_EQ(*fs_.contents("/packs/00000101.pack"),
            Bytes(as_bytes("somebody else's").begin(), as_bytes("somebody else's").end()));
}

TEST_F(PackStoreTest, ScanResumesFromAWatermark) {
  open({.pack_bytes_max = 3000});
  std::vector<PackPosition> marks{store_->end()};
  Found blocks;
  for (std::uint8_t i = 0; i < 12; ++i) {
    if (i == 7) {
      ASSERT_TRUE(store_->sync().has_value());
      open({.pack_bytes_max = 3000});
    }
    const Bytes block = make_block(800, i);
    blocks[append(block)] = block;
    marks.push_back(store_->end());
  }
  std::size_t i = 0;
  for (const PackPosition& mark : marks) {
    const Found found = scan(mark);
    EXPECT_EQ(found.size(), blocks.size() - i);
    EXPECT_TRUE(
        std::equal(found.begin(), found.end(), std::next(blocks.begin(), static_cast<std::ptrdiff_t>(i))));
    ++i;
  }
}

TEST_F(PackStoreTest, EndOfAnEmptyStoreIsTheBeginning) {
  EXPECT_EQ(store_->end(), PackPosition{});
  const PackPosition mark = store_->end();
  append(make_block(100));
  EXPECT_EQ(scan(mark).size(), 1u);
}

TEST_F(PackStoreTest, AVisitorsErrorEndsTheScan) {
  append(make_block(100));
  append(make_block(100));
  int visits = 0;
  const auto result = store_->scan({}, [&](const PackPosition&, const PackRecordOwner&, ByteView) -> Status {
    ++visits;
    return fail(Errc::cancelled, "enough");
  });
  EXPECT_EQ(result.error().code, Errc::cancelled);
  EXPECT_EQ(visits, 1);
}

// Damage
// -------------------------------------------------------------------------------------------------------------

class DamagedPackTest : public PackStoreTest {
 protected:
  DamagedPackTest() {
    for (std::uint8_t i = 0; i < 3; ++i) {
      blocks_.push_back(make_block(50000, i));
      at_.push_back(append(blocks_.back()));
    }
    EXPECT_TRUE(store_->sync().has_value());
  }
  // The middle record is gone, its neighbours are there.
  void expect_middle_lost() {
    open();
    EXPECT_EQ(scan(), (Found{{at_[0], blocks_[0]}, {at_[2], blocks_[2]}}));
    EXPECT_EQ(skipped_, at_[2].offset - at_[1].offset);
    EXPECT_EQ(store_->read(at_[1]).error().code, Errc::corrupt);
    EXPECT_EQ(store_->read(at_[2])->block, blocks_[2]);
  }
  std::vector<Bytes> blocks_;
  std::vector<PackPosition> at_;
};

TEST_F(DamagedPackTest, BlockIsDamaged) {
  fs_.flip_bit(path(at_[1]), (at_[1].offset + 30000) * 8);
  expect_middle_lost();
  EXPECT_NE(store_->read(at_[1]).error().message.find("pieces 7 of 13"), std::string::npos)
      << store_->read(at_[1]).error().message;
}

TEST_F(DamagedPackTest, HeaderIsDamaged) {
  for (std::uint64_t byte = 0; byte < kPackRecordHeaderBytes; ++byte) {
    fs_.flip_bit(path(at_[1]), (at_[1].offset + byte) * 8);
    expect_middle_lost();
    fs_.flip_bit(path(at_[1]), (at_[1].offset + byte) * 8);
  }
}

TEST_F(DamagedPackTest, WhatIsLeftOfARecordCanBeRead) {
  Bytes expected = blocks_[1];
  expected[30000 - 64 - 13 * 4] ^= 1;
  fs_.flip_bit(path(at_[1]), (at_[1].offset + 30000) * 8);
  auto remains = store_->read_remains(at_[1]);
  ASSERT_TRUE(remains) << remains.error().message;
  EXPECT_EQ(remains->owner, kOwner);
  EXPECT_EQ(remains->bytes, expected);

  fs_.flip_bit(path(at_[1]), at_[1].offset * 8);
  remains = store_->read_remains(at_[1]);
  ASSERT_TRUE(remains) << remains.error().message;
  EXPECT_EQ(remains->owner, std::nullopt);
  ASSERT_EQ(remains->bytes.size(), at_[2].offset - at_[1].offset - kPackRecordHeaderBytes);
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), remains->bytes.begin() + 13 * 4));
}

TEST_F(DamagedPackTest, WhatIsLeftIsNoLongerThanTheFile) {
  fs_.truncate(path(at_[2]), at_[2].offset + 4711);
  const auto remains = store_->read_remains(at_[2]);
  ASSERT_TRUE(remains) << remains.error().message;
  EXPECT_EQ(remains->bytes.size(), blocks_[2].size()) << "what is missing is zeros";
  EXPECT_EQ(store_->read_remains({at_[2].pack, at_[2].offset + 4648}).error().code, Errc::corrupt);
  EXPECT_EQ(store_->read_remains({at_[2].pack, 1ull << 40}).error().code, Errc::corrupt);
  EXPECT_EQ(store_->read_remains({at_[2].pack, 7}).error().code, Errc::corrupt);
  EXPECT_EQ(store_->read_remains({9, 80}).error().code, Errc::not_found);
}

TEST_F(DamagedPackTest, WholeRecordIsZeros) {
  fs_.zero(path(at_[1]), at_[1].offset, at_[2].offset - at_[1].offset);
  expect_middle_lost();
}

TEST_F(DamagedPackTest, PackHeaderIsDamaged) {
  fs_.zero(path(at_[0]), 0, kPackHeaderBytes);
  open();
  EXPECT_EQ(scan().size(), 3u);
  EXPECT_EQ(skipped_, kPackHeaderBytes);
}

TEST_F(DamagedPackTest, EndIsCutOff) {
  fs_.truncate(path(at_[2]), at_[2].offset + 4711);
  open();
  EXPECT_EQ(scan(), (Found{{at_[0], blocks_[0]}, {at_[1], blocks_[1]}}));
  EXPECT_EQ(skipped_, 4711u);
  EXPECT_EQ(store_->read(at_[2]).error().code, Errc::corrupt);
}

TEST_F(DamagedPackTest, NothingIsReadWhereNoRecordBegins) {
  for (const std::uint64_t offset : {at_[0].offset + 8, at_[0].offset + 1, std::uint64_t{1} << 40}) {
    EXPECT_EQ(store_->read({.pack = 1, .offset = offset}).error().code, Errc::corrupt);
  }
  EXPECT_EQ(store_->read({.pack = 9, .offset = 80}).error().code, Errc::not_found);
}

TEST_F(DamagedPackTest, AnotherRepositorysPackHoldsNothing) {
  HashKey other = test_key();
  other[1] = 1;
  store_ = *PackStore::open(fs_, kDirectory, other, kRepository, {});
  EXPECT_TRUE(scan().empty());
}

TEST_F(DamagedPackTest, ARenamedPackHoldsNothing) {
  fs_.put("/packs/00000007.pack", *fs_.contents(path(at_[0])));
  open();
  EXPECT_EQ(scan().size(), 3u);
}

// A file on a disk with one bad sector.
class BadSectorFile final : public File {
 public:
  BadSectorFile(Bytes content, std::uint64_t bad) : content_(std::move(content)), bad_(bad) {}
  Status write_at(std::uint64_t, ByteView) override { return fail_errno("writing", EROFS); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::uint8_t> out) const override {
    if (offset <= bad_ && bad_ < offset + out.size()) return fail_errno("reading", EIO);
    const std::size_t n =
        std::min(out.size(), content_.size() - std::min<std::size_t>(offset, content_.size()));
    std::copy_n(content_.begin() + static_cast<std::ptrdiff_t>(offset), n, out.begin());
    return n;
  }
  Result<std::uint64_t> size() const override { return std::uint64_t{content_.size()}; }
  Status sync() override { return {}; }

 private:
  Bytes content_;
  std::uint64_t bad_;
};

TEST_F(DamagedPackTest, AnUnreadableSectorCostsItsRecordOnly) {
  const Bytes content = *fs_.contents(path(at_[0]));
  const BadSectorFile file(content, at_[1].offset + 20000);
  std::vector<PackPosition> found;
  const auto result = scan_pack(file, {.from = {.pack = 1}, .end = content.size()}, test_key(), kRepository,
                                [&](const PackPosition& at, const PackRecordOwner&, ByteView) {
                                  found.push_back(at);
                                  return Status{};
                                });
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(found, (std::vector<PackPosition>{at_[0], at_[2]}));
  EXPECT_EQ(result->skipped_bytes, at_[2].offset - at_[1].offset);
}

// A client that has got hold of a pack (or of a copy of one, to back it up) sends blocks full of genuine
// records.
TEST_F(PackStoreTest, FileContentsCannotPoseAsRecords) {
  const PackPosition first = append(make_block(1000));
  ASSERT_TRUE(store_->sync().has_value());
  const Bytes pack = *fs_.contents(path(first));
  Bytes hostile;
  for (int i = 0; i < 50; ++i)
    rb::append(hostile, ByteView(pack).subspan(kPackHeaderBytes));
  const PackPosition outer = append(hostile);
  const PackPosition last = append(make_block(2000));
  ASSERT_TRUE(store_->sync().has_value());
  // With its header gone the outer record's contents are searched, byte for byte.
  fs_.zero(path(outer), outer.offset, kPackRecordHeaderBytes);
  open();
  EXPECT_EQ(scan(), (Found{{first, make_block(1000)}, {last, make_block(2000)}}));
}

// Failures
// -------------------------------------------------------------------------------------------------------------

TEST_F(PackStoreTest, AFailedWriteSealsThePackAndLosesWhatWasNotDurable) {
  for (const std::size_t size : {1000, 200000}) {
    const PackPosition first = append(make_block(size));
    ASSERT_TRUE(store_->sync().has_value());
    const std::uint64_t stored = store_->stored_bytes();
    append(make_block(size + 1));
    fs_.fail({.sys_errno = ENOSPC, .set = OperationSet::writes});
    EXPECT_EQ(store_->sync().error().code, Errc::no_space);
    EXPECT_EQ(store_->stored_bytes(), stored);
    const PackPosition third = append(make_block(size + 2));
    EXPECT_EQ(third.pack, first.pack + 1);
    ASSERT_TRUE(store_->sync().has_value());
    EXPECT_EQ(scan(first), (Found{{first, make_block(size)}, {third, make_block(size + 2)}}));
    open();
  }
}

TEST_F(PackStoreTest, AFailedSyncIsToldToAllConcerned) {
  const PackPosition lost = append(make_block(1000));
  fs_.fail({.set = OperationSet::syncs});
  EXPECT_FALSE(store_->sync().has_value());
  const PackPosition kept = append(make_block(2000));
  EXPECT_EQ(kept.pack, lost.pack + 1);
  EXPECT_TRUE(store_->sync().has_value());
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(store_->sync_since(lost).has_value());
    EXPECT_TRUE(store_->sync_since(kept).has_value());
  }
  EXPECT_EQ(scan(), (Found{{kept, make_block(2000)}}));
}

TEST_F(PackStoreTest, TheNextLifeDoesNotFindWhatAFailedSyncLost) {
  const PackPosition kept = append(make_block(1000));
  ASSERT_TRUE(store_->sync().has_value());
  append(make_block(2000));
  fs_.fail({.set = OperationSet::syncs});
  EXPECT_FALSE(store_->sync().has_value());
  open();  // the machine goes on, the kernel still shows the record
  EXPECT_EQ(scan(), (Found{{kept, make_block(1000)}}));
}

TEST_F(PackStoreTest, ALossThatAScanMetIsToldToTheNextSync) {
  append(make_block(1000));
  fs_.fail({.set = OperationSet::syncs});
  EXPECT_TRUE(scan().empty());
  EXPECT_FALSE(store_->sync().has_value());
  EXPECT_TRUE(store_->sync().has_value());
}

TEST_F(PackStoreTest, AFullDiskLeavesNoEmptyPacksBehind) {
  append(make_block(1000));
  ASSERT_TRUE(store_->sync().has_value());
  open();
  fs_.set_capacity(0);  // what is there stays
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(store_->append(kOwner, make_block(100)).error().code, Errc::no_space);
  EXPECT_EQ(fs_.list(kDirectory)->size(), 1u);
  fs_.set_capacity(1 << 20);
  append(make_block(100));
  EXPECT_TRUE(store_->sync().has_value());
  EXPECT_EQ(scan().size(), 2u);
}

// Concurrency
// ------------------------------------------------------------------------------------------------------------

TEST_F(PackStoreTest, ManyThreadsAppendAndShareSyncs) {
  open({.pack_bytes_max = 200000});
  constexpr int kThreads = 4, kRounds = 50;
  std::mutex mutex;
  Found blocks;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const Bytes block =
            make_block(static_cast<std::size_t>(100 + i * 97), static_cast<std::uint8_t>(t * 60 + i));
        const auto at = store_->append(kOwner, block);
        ASSERT_TRUE(at.has_value());
        if (i % 3 == 0) {
          ASSERT_TRUE(store_->sync_since(*at).has_value());
        }
        ASSERT_EQ(store_->read(*at)->block, block);
        const std::lock_guard lock(mutex);
        blocks[*at] = block;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(blocks.size(), static_cast<std::size_t>(kThreads * kRounds));
  EXPECT_EQ(scan(), blocks);
}

}  // namespace
}  // namespace rb
