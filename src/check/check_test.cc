// Damage of all kinds, what is found of it, and how it is mended.
#include "check/copy_removal.h"
#include "repository/damaged_copies.h"
#include "support/check_bench.h"

namespace rb::test {

namespace {

using CheckTest = CheckBench;

TEST_F(CheckTest, ASoundRepositoryHasNoFindings) {
  back_up({noise(1), noise(2)}, 1);
  back_up({noise(1), noise(3)}, 2);
  EXPECT_EQ(text(check(false)), "");
  EXPECT_EQ(last_.snapshots, 2u);
  EXPECT_EQ(last_.objects, 3u + 2 * 3);
  EXPECT_EQ(text(check(true)), "");
  open();
  EXPECT_EQ(text(check(true)), "");
  EXPECT_GE(last_.packs_read, 1u);
}

TEST_F(CheckTest, DamageWithoutParityIsFoundTracedSentAgainAndGone) {
  const auto chunks = back_up({noise(1), noise(2)}, 1);
  keeper_->set_parity_percent(0);
  const PackPosition at = place_of(chunks[1]);
  damage(at);
  EXPECT_EQ(text(check(false)), "") << "contents are not read";
  const Findings found = check(true);
  ASSERT_EQ(found.damage_count, 1u) << text(found);
  EXPECT_EQ(found.list[0].kind, FindingKind::damaged);
  ASSERT_EQ(found.list[0].affected.size(), 1u);
  EXPECT_TRUE(found.list[0].affected[0].starts_with("ana ")) << found.list[0].affected[0];
  EXPECT_TRUE(found.list[0].affected[0].ends_with(" /file-1")) << found.list[0].affected[0];
  EXPECT_TRUE(readable(chunks[0])) << "nothing else became unreadable";
  EXPECT_EQ(check(false).damage_count, 1u) << "what is known is told without reading";

  back_up({noise(1), noise(2)}, 2);
  EXPECT_EQ(wanted_, std::vector<ObjectId>{chunks[1]});
  EXPECT_NE(place_of(chunks[1]), at);
  EXPECT_TRUE(readable(chunks[1]));
  EXPECT_EQ(text(check(true)), "");
  back_up({noise(1), noise(2)}, 3);
  EXPECT_TRUE(wanted_.empty());
}

TEST_F(CheckTest, WhatIsKnownToBeDamagedSurvivesARestartAndALostFile) {
  const auto chunks = back_up({noise(1)}, 1);
  keeper_->set_parity_percent(0);
  damage(place_of(chunks[0]));
  EXPECT_EQ(check(true).damage_count, 1u);
  open();
  EXPECT_EQ(core().quarantine().size(), 1u);
  close();
  fs_.erase(std::string(kFakeDirectory) + "/quarantine");
  open();
  keeper_->set_parity_percent(0);
  EXPECT_EQ(core().quarantine().size(), 0u);
  EXPECT_EQ(check(true).damage_count, 1u);
  EXPECT_EQ(core().quarantine().size(), 1u);
}

TEST_F(CheckTest, ANodeIsNotAskedForEverForWhatItHasNoMore) {
  const auto chunks = back_up({noise(1)}, 1);
  keeper_->set_parity_percent(0);
  damage(place_of(chunks[0]));
  EXPECT_EQ(check(true).damage_count, 1u);
  std::uint8_t run = 2;
  do {
    ASSERT_LT(run, 20);
    back_up({noise(7)}, run++);
  } while (!wanted_.empty());
  EXPECT_GT(run, 4) << "one run that brings nothing proves little";
  EXPECT_EQ(check(false).damage_count, 1u) << "it is not forgotten";
}

TEST_F(CheckTest, ParityCorrectsAndTheDamagedFileIsKept) {
  const auto chunks = back_up({noise(1), noise(2), noise(3)}, 1);
  open();
  EXPECT_EQ(text(check(true)), "");
  const PackPosition at = place_of(chunks[1]);
  const std::string path = core().packs().path(at.pack);
  ASSERT_TRUE(keeper_->has_parity(at.pack));
  const Bytes before = *fs_.contents(path);
  damage(at);
  const Bytes damaged = *fs_.contents(path);
  EXPECT_TRUE(readable(chunks[1])) << "a reader gets it by the parity, before anybody corrects the file";
  EXPECT_EQ(*fs_.contents(path), damaged);

  const Findings found = check(true);
  EXPECT_EQ(found.damage_count, 0u) << text(found);
  ASSERT_EQ(found.list.size(), 1u);
  EXPECT_EQ(found.list[0].kind, FindingKind::corrected);
  EXPECT_EQ(*fs_.contents(path), before);
  EXPECT_EQ(*fs_.contents(path + ".damaged-1"), damaged);
  EXPECT_EQ(text(check(true)), "");
}

TEST_F(CheckTest, WhatARepairHasLeftGoesOnlyWhenAskedForAndNothingIsMissing) {
  const auto chunks = back_up({noise(1), noise(2)}, 1);
  open();
  EXPECT_EQ(text(check(true)), "");
  EXPECT_EQ(last_.damaged_copies, 0u);
  const PackPosition at = place_of(chunks[1]);
  const std::string copy = core().packs().path(at.pack) + ".damaged-1";
  damage(at);
  EXPECT_EQ(check(true).damage_count, 0u);
  EXPECT_EQ(last_.damaged_copies, 1u);
  EXPECT_GT(last_.damaged_copy_bytes, 9000u);

  back_up({noise(1), noise(2), noise(3)}, 2);
  open();
  keeper_->set_parity_percent(0);
  const auto more = back_up({noise(1), noise(2), noise(4)}, 3);
  damage(place_of(more[2]));
  EXPECT_EQ(check(true).damage_count, 1u);
  Pace pace;
  const auto kept = remove_damaged_copies(core(), *keeper_, pace);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->kept, 1u);
  EXPECT_NE(kept->why_kept, "");
  EXPECT_TRUE(fs_.contents(copy));

  back_up({noise(1), noise(2), noise(4)}, 4);
  const auto removed = remove_damaged_copies(core(), *keeper_, pace);
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(removed->removed, 1u) << removed->why_kept;
  EXPECT_EQ(removed->kept, 0u);
  EXPECT_FALSE(fs_.contents(copy));
  EXPECT_EQ(text(check(true)), "");
}

TEST_F(CheckTest, OnlyDamagedCopiesOfPacksAreTakenForSuch) {
  EXPECT_EQ(damaged_copy_of("0000002a.pack.damaged-1"), 0x2au);
  EXPECT_EQ(damaged_copy_of("0000002a.pack.damaged-1000"), 0x2au);
  for (const char* name :
       {"0000002a.pack", "0000002a.pack.damaged-", "0000002a.pack.damaged-x", "0000002a.parity.damaged-1",
        "2a.pack.damaged-1", ".damaged-1", "0000002a.pack.damaged-1.old", "0000002a.pack.repaired"})
    EXPECT_FALSE(damaged_copy_of(name)) << name;
}

TEST_F(CheckTest, DamagedHeadersAreFoundWithoutReadingContents) {
  const auto chunks = back_up({noise(1), noise(2)}, 1);
  open();
  keeper_->set_parity_percent(0);
  const PackPosition at = place_of(chunks[0]);
  fs_.zero(core().packs().path(at.pack), at.offset, 4096);
  const Findings found = check(false);
  EXPECT_EQ(found.damage_count, 1u) << text(found);
  EXPECT_EQ(core().quarantine().size(), 1u);
  back_up({noise(1), noise(2)}, 2);
  EXPECT_EQ(text(check(true)), "");
}

TEST_F(CheckTest, ACatalogThatLostARowIsFound) {
  const auto chunks = back_up({noise(1), noise(2)}, 1);
  open();
  CatalogBatch batch;
  batch.removed_objects = {{domain(), chunks[0]}};
  ASSERT_TRUE(core().catalog().apply(batch));
  const Findings found = check(false);
  EXPECT_GE(found.damage_count, 1u);
  EXPECT_NE(text(found).find("refers to something that is not there"), std::string::npos) << text(found);
  back_up({noise(1), noise(2)}, 2);
  EXPECT_EQ(text(check(true)).find("incomplete:"), std::string::npos) << text(check(true));
}

// Every record is whole, and still what the row says is not there.
TEST_F(CheckTest, RowsThatNameAnotherObjectsPlaceAreFound) {
  const auto chunks = back_up({noise(1), noise(2)}, 1);
  open();
  const ObjectRow right = core().index().find(domain(), std::span(&chunks[0], 1))->found[0]->row;
  ASSERT_NE(right.at, place_of(chunks[1]));
  ObjectRow of_another = right, of_no_place = right, of_another_kind = right;
  of_another.at = place_of(chunks[1]);
  of_no_place.index += 1;
  of_another_kind.kind = ObjectKind::chunk_list;
  for (const ObjectRow& wrong : {of_another, of_no_place, of_another_kind}) {
    put_row(chunks[0], wrong);
    EXPECT_GE(check(false).damage_count, 1u);
    put_row(chunks[0], right);
    EXPECT_EQ(text(check(false)), "");
  }
}

// The page above the lost chunk is in no later backup: it is judged again, and names the chunk that came.
TEST_F(CheckTest, WhatRefersToSomethingThatCameAgainIsGoodAgain) {
  const auto chunks = back_up({noise(1), noise(2)}, 1);
  open();
  CatalogBatch batch;
  batch.removed_objects = {{domain(), chunks[0]}};
  ASSERT_TRUE(core().catalog().apply(batch));
  EXPECT_GE(check(false).damage_count, 1u);
  ASSERT_EQ(core().quarantine().size(), 1u);
  const ObjectId page = core().quarantine().unresolved(core().index())[0].id;
  back_up({noise(1), noise(3)}, 2);
  EXPECT_EQ(text(check(true)).find("incomplete:"), std::string::npos) << text(check(true));
  EXPECT_EQ(core().quarantine().size(), 0u);
  const std::vector<ObjectId> both = {chunks[0], page};
  const auto answer = core().index().find(domain(), both);
  ASSERT_TRUE(answer && answer->found[0] && answer->found[1]);
  EXPECT_TRUE(answer->found[1]->complete());
  const auto children = core().catalog().children(answer->found[1]->row.number);
  EXPECT_NE(std::find(children->begin(), children->end(), answer->found[0]->row.number), children->end());
}

TEST_F(CheckTest, AReadingThatWasStoppedIsGoneOnWith) {
  back_up({noise(1)}, 1);
  open();
  back_up({noise(2)}, 2);
  open();
  const std::vector<std::uint64_t> packs = core().packs().packs();
  ASSERT_GE(packs.size(), 2u);
  log_->begin_all(clock_.wall());
  DataCheckReport report;
  CheckProgress progress;
  Pace pace;
  DataCheck data(core(), *keeper_, *log_);
  ASSERT_TRUE(data.read({packs[0]}, Thoroughness::records, pace, progress, report));
  open();
  DataCheckReport rest;
  ASSERT_TRUE(DataCheck(core(), *keeper_, *log_).read_all(Thoroughness::records, pace, progress, rest));
  EXPECT_EQ(rest.packs, packs.size() - 1);
  Pace stopped;
  stopped.cancel();
  EXPECT_EQ(DataCheck(core(), *keeper_, *log_)
                .read_all(Thoroughness::records, stopped, progress, rest)
                .error()
                .code,
            Errc::cancelled);
}

TEST_F(CheckTest, TheCaretakerMakesParityCorrectsWhatReadersMeetAndScrubs) {
  const auto chunks = back_up({noise(1), noise(2)}, 1);
  open();
  Caretaker care(core(), *keeper_, *log_, {});
  ASSERT_TRUE(care.work_once());
  EXPECT_EQ(care.counters().parities_made, core().packs().sealed_packs().size());
  EXPECT_EQ(care.counters().damage_found, 0u);
  const std::uint64_t read_before = care.counters().packs_read;
  ASSERT_TRUE(care.work_once());
  EXPECT_EQ(care.counters().packs_read, read_before) << "nothing is due";

  const PackPosition at = place_of(chunks[0]);
  const Bytes before = *fs_.contents(core().packs().path(at.pack));
  damage(at);
  care.set({.scrub_period = std::chrono::seconds(1)});
  log_->note(at.pack, Timestamp{1, 0});
  ASSERT_TRUE(care.work_once());
  EXPECT_EQ(care.counters().packs_corrected, 1u);
  EXPECT_EQ(*fs_.contents(core().packs().path(at.pack)), before);
}

// Whatever the power cut leaves: the pack is the damaged one or the corrected one, and nothing else is lost.
TEST_F(CheckTest, ACrashWhileCorrectingLosesNothing) {
  const auto chunks = back_up({noise(1), noise(2)}, 1);
  open();
  EXPECT_EQ(text(check(true)), "");
  damage(place_of(chunks[0]));
  close();
  const auto prepared = fs_.survivor(Survival::all);
  for (std::uint64_t operation = 0;; ++operation) {
    const auto fs = prepared->survivor(Survival::all);
    bool struck = false;
    {
      auto repository = LocalRepository::open(kFakeDirectory, fake_options(*fs, catalog_, clock_));
      ASSERT_TRUE(repository);
      PackKeeper keeper((*repository)->core(), 5);
      Pace pace;
      fs->crash_after(operation);
      for (const std::uint64_t pack : (*repository)->core().packs().sealed_packs())
        static_cast<void>(keeper.look_after(pack, Thoroughness::records, pace));
      struck = fs->fault_struck();
    }
    if (!struck) {
      EXPECT_GT(operation, 5u);
      break;
    }
    for (const Survival survival : {Survival::none, Survival::some, Survival::all, Survival::torn}) {
      const auto after = fs->survivor(survival, operation);
      auto repository = LocalRepository::open(kFakeDirectory, fake_options(*after, catalog_, clock_));
      ASSERT_TRUE(repository) << repository.error().message;
      RepositoryCore& core = (*repository)->core();
      for (const ObjectId& id : chunks) {
        const auto answer = core.index().find(core.catalog().domains()->back().domain, std::span(&id, 1));
        ASSERT_TRUE(answer && answer->found[0]);
        EXPECT_TRUE(core.packs().read(answer->found[0]->row.at)) << "operation " << operation;
      }
    }
  }
}

}  // namespace

}  // namespace rb::test
