// Blocks of many files, damaged beyond what parity corrects: each costs only the files whose bytes are gone.
#include "support/check_bench.h"

namespace rb::test {

namespace {

constexpr std::size_t kFiles = 60, kFileBytes = 3000;

class SalvageTest : public CheckBench {
 protected:
  SalvageTest() {
    chunks_go_together_ = true;
    keeper_->set_parity_percent(0);
    for (unsigned i = 0; i < kFiles; ++i)
      contents_.push_back(noise(i + 1, kFileBytes));
    chunks_ = back_up(contents_, 1);
    at_ = place_of(chunks_[0]);
    EXPECT_EQ(place_of(chunks_.back()), at_);
  }

  void zero(std::uint64_t offset, std::uint64_t bytes) {
    fs_.zero(core().packs().path(at_.pack), at_.offset + offset, bytes);
  }
  void reopen() {
    open();
    keeper_->set_parity_percent(0);
  }
  // Those whose records are whole.
  std::vector<std::size_t> readable_files() {
    std::vector<std::size_t> files;
    for (std::size_t i = 0; i < chunks_.size(); ++i) {
      if (readable(chunks_[i])) files.push_back(i);
    }
    return files;
  }

  // Of those that have a row.
  std::size_t readable_files_there() {
    const auto answer = core().index().find(domain(), chunks_);
    return static_cast<std::size_t>(std::ranges::count_if(
        answer->found, [&](const auto& found) { return found && core().packs().read(found->row.at); }));
  }

  std::vector<std::string> contents_;
  std::vector<ObjectId> chunks_;
  PackPosition at_;
};

TEST_F(SalvageTest, OnlyWhatIsHitIsLostAndNamedAndComesAgain) {
  zero(100'000, 4096);
  const Bytes damaged = *fs_.contents(core().packs().path(at_.pack));
  const Findings found = check(true);
  ASSERT_EQ(found.list.size(), 1u) << text(found);
  EXPECT_EQ(found.list[0].kind, FindingKind::damaged);
  const std::size_t lost = kFiles - readable_files().size();
  EXPECT_GE(lost, 2u);
  EXPECT_LE(lost, 3u);
  EXPECT_EQ(found.list[0].affected.size(), lost) << text(found);
  EXPECT_EQ(found.list[0].what, std::to_string(lost) + " objects can't be read any more; the other " +
                                    std::to_string(kFiles - lost) + " of a damaged block were salvaged");
  EXPECT_EQ(core().quarantine().size(), lost);
  EXPECT_EQ(*fs_.contents(core().packs().path(at_.pack)), damaged) << "repair writes new and keeps old";

  const Findings again = check(true);
  ASSERT_EQ(again.list.size(), 1u);
  EXPECT_EQ(again.list[0].what, std::to_string(lost) + " objects can't be read any more");
  reopen();
  EXPECT_EQ(readable_files().size(), kFiles - lost);

  back_up(contents_, 2);
  EXPECT_EQ(wanted_.size(), lost);
  EXPECT_EQ(readable_files().size(), kFiles);
  EXPECT_EQ(text(check(true)), "");
}

TEST_F(SalvageTest, WhereNothingIsLostNothingIsDamage) {
  zero(0, 64);  // the record's header
  const Findings found = check(false);
  EXPECT_EQ(found.damage_count, 0u) << text(found);
  ASSERT_EQ(found.list.size(), 1u);
  EXPECT_EQ(found.list[0].kind, FindingKind::corrected);
  EXPECT_EQ(readable_files().size(), kFiles);
  EXPECT_EQ(core().quarantine().size(), 0u);
  EXPECT_EQ(text(check(true)), "");
}

// Behind the header, 46 checksums of the record's pieces, that of the block and its ids.
TEST_F(SalvageTest, LengthsThatAreLostArePutTogetherFromThePages) {
  const std::uint64_t body = 64 + 45 * 4 + kBlockHeaderBytes + kFiles * ObjectId::kSize;
  zero(body, 4096);
  const Findings found = check(true);
  EXPECT_EQ(found.damage_count, 1u) << text(found);
  EXPECT_GE(readable_files().size(), kFiles - 2) << text(found);
}

TEST_F(SalvageTest, WhatWasQuarantinedBeforeIsSavedToo) {
  zero(100'000, 4096);
  std::vector<QuarantinedObject> all;
  for (const ObjectId& chunk : chunks_)
    all.push_back({domain(), chunk, at_});
  ASSERT_TRUE(core().quarantine().add(all));
  EXPECT_EQ(check(true).damage_count, 1u);
  EXPECT_LE(core().quarantine().unresolved(core().index()).size(), 3u);
}

TEST_F(SalvageTest, OnAFullDiskItWaits) {
  zero(100'000, 4096);
  keep_free_ = 400'000;
  reopen();
  fs_.put("/others", Bytes(20 << 20));
  fs_.set_capacity(fs_.used_bytes() + 100'000);
  EXPECT_EQ(check(true).damage_count, 1u);
  EXPECT_TRUE(readable_files().empty());
  fs_.set_capacity(1ull << 40);
  EXPECT_EQ(check(true).damage_count, 1u);
  EXPECT_GE(readable_files().size(), kFiles - 3);
}

// The copies stand in a pack that a catalog made anew reads like any other.
TEST_F(SalvageTest, ACatalogMadeAnewHasWhatWasSalvaged) {
  zero(100'000, 4096);
  EXPECT_EQ(check(true).damage_count, 1u);
  const std::vector<std::size_t> before = readable_files();
  close();
  *catalog_ = {};
  reopen();
  ASSERT_TRUE(repository_->report().catalog_rebuilt);
  const auto answer = core().index().find(domain(), chunks_);
  ASSERT_TRUE(answer);
  for (const std::size_t i : before)
    EXPECT_TRUE(answer->found[i] && answer->found[i]->row.at != at_) << i;
  back_up(contents_, 2);
  EXPECT_EQ(wanted_.size(), kFiles - before.size());
  EXPECT_EQ(text(check(true)), "");
}

// Nobody has looked before the catalog was lost too.
TEST_F(SalvageTest, ACatalogMadeAnewHasWhatADamagedBlockStillGives) {
  zero(100'000, 4096);
  close();
  *catalog_ = {};
  reopen();
  ASSERT_TRUE(repository_->report().catalog_rebuilt);
  const auto answer = core().index().find(domain(), chunks_);
  ASSERT_TRUE(answer);
  std::size_t lost = 0;
  for (const auto& found : answer->found)
    lost += !found;
  EXPECT_GE(lost, 2u);
  EXPECT_LE(lost, 3u);
  EXPECT_EQ(core().quarantine().size(), lost) << "wanted again";
  EXPECT_EQ(check(true).damage_count, 2u) << "the snapshot, and what it lacks: " << text(check(false));
  EXPECT_EQ(readable_files_there(), kFiles - lost) << "moved out of the damaged block";
  back_up(contents_, 2);
  EXPECT_EQ(wanted_.size(), lost);
  EXPECT_EQ(text(check(true)), "");
}

// Whatever the power cut leaves: each row stands where its object can be had.
TEST_F(SalvageTest, ACrashWhileSalvagingLosesNothing) {
  zero(100'000, 4096);
  close();
  const auto prepared = fs_.survivor(Survival::all);
  const auto log_before = *catalog_;
  for (std::uint64_t operation = 0;; ++operation) {
    const auto fs = prepared->survivor(Survival::all);
    const auto log = std::make_shared<MemoryCatalogLog>(log_before);
    bool struck = false;
    {
      auto repository = LocalRepository::open(kFakeDirectory, fake_options(*fs, log, clock_));
      ASSERT_TRUE(repository);
      PackKeeper keeper((*repository)->core(), 0);
      ReadLog read_log(*fs, std::string(kFakeDirectory) + "/last-read");
      Pace pace;
      CheckProgress progress;
      DataCheckReport report;
      fs->crash_after(operation);
      static_cast<void>(DataCheck((*repository)->core(), keeper, read_log)
                            .read({at_.pack}, Thoroughness::records, pace, progress, report));
      struck = fs->fault_struck();
    }
    for (const Survival survival : {Survival::none, Survival::some, Survival::all, Survival::torn}) {
      const auto after = fs->survivor(survival, operation);
      // The catalog as it was before, or as it is.
      for (const auto& left :
           {std::make_shared<MemoryCatalogLog>(log_before), std::make_shared<MemoryCatalogLog>(*log)}) {
        auto repository = LocalRepository::open(kFakeDirectory, fake_options(*after, left, clock_));
        ASSERT_TRUE(repository) << repository.error().message;
        auto store = (*repository)->store_for(LocalUser{.uid = 100'001, .name = "ana"});
        ASSERT_TRUE(store);
        auto session = (*store)->begin({.run = make_run(9), .purpose = SessionPurpose::read});
        ASSERT_TRUE(session) << session.error().message;
        std::size_t given = 0;
        for (const ObjectId& id : chunks_)
          given += (*session)
                       ->read(std::span(&id, 1), Neighbours::welcome, [](ByteView) { return Status{}; })
                       .has_value();
        EXPECT_GE(given, kFiles - 3) << "operation " << operation;
      }
    }
    if (!struck) {
      EXPECT_GT(operation, 5u);
      break;
    }
  }
}

}  // namespace

}  // namespace rb::test
