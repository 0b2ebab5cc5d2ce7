#include "gc/collector.h"

#include <thread>

#include "support/collected_repository.h"

namespace rb::test {
namespace {

struct Backup {
  NamedObject chunk, tree, snapshot;
  std::vector<NamedObject> beneath() const { return {chunk, tree}; }
};

// Two of different names share nothing.
Backup make_backup(const std::string& name) {
  Backup backup;
  backup.chunk = make_chunk("chunk of " + name);
  backup.tree = make_tree("tree of " + name, {backup.chunk.id});
  backup.snapshot = make_snapshot("snapshot of " + name, backup.tree.id);
  return backup;
}

class CollectorTest : public testing::Test {
 protected:
  SnapshotInfo back_up(const Backup& backup) {
    return repository_.back_up(backup.beneath(), backup.snapshot);
  }
  // One that is not referred to any more, and old.
  Backup make_garbage() {
    const Backup old = make_backup("old");
    const SnapshotInfo snapshot = back_up(old);
    back_up(make_backup("new"));
    for (int i = 0; i < 2; ++i)
      EXPECT_EQ(repository_.collect()->dead, 0u);
    repository_.remove(snapshot);
    return old;
  }

  CollectedRepository repository_;
};

TEST_F(CollectorTest, AnEmptyRepositoryHasNothingToCollect) {
  const auto report = repository_.collect();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->objects, 0u);
  EXPECT_EQ(report->dead, 0u);
}

TEST_F(CollectorTest, ADeletedSnapshotGoesAndTheOthersStay) {
  const Backup old = make_garbage();
  EXPECT_EQ(repository_.row_count(), 6u);
  const auto report = repository_.collect();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->objects, 6u);
  EXPECT_EQ(report->dead, 3u);
  EXPECT_GT(report->bytes_dead, 0u);
  EXPECT_EQ(repository_.row_count(), 3u);
  EXPECT_FALSE(repository_.has(old.chunk.id));
  EXPECT_TRUE(repository_.check_kept());
}

TEST_F(CollectorTest, WhatWasCollectedCanBeSentAgain) {
  const Backup old = make_garbage();
  ASSERT_TRUE(repository_.collect());
  back_up(old);
  EXPECT_EQ(repository_.row_count(), 6u);
  repository_.collect_all();
  EXPECT_EQ(repository_.row_count(), 6u);
  EXPECT_TRUE(repository_.check_kept());
}

TEST_F(CollectorTest, ADryRunOnlyCounts) {
  make_garbage();
  const std::atomic<bool> cancelled = false;
  for (int i = 0; i < 4; ++i) {
    const auto report = run_collection(repository_.core(), {.dry_run = true}, cancelled);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->objects, 6u);
    EXPECT_EQ(report->dead, 3u);
  }
  EXPECT_EQ(repository_.row_count(), 6u);
  EXPECT_EQ(repository_.core().catalog().begins()->size(), 2u);
  EXPECT_EQ(repository_.collect()->dead, 3u);
}

TEST_F(CollectorTest, ASnapshotWithinItsGraceStays) {
  const Backup old = make_garbage();
  const std::atomic<bool> cancelled = false;
  const CollectionOptions with_grace{.grace = std::chrono::hours(1)};
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(run_collection(repository_.core(), with_grace, cancelled)->dead, 0u);
  EXPECT_TRUE(repository_.has(old.snapshot.id));
}

TEST_F(CollectorTest, AnUploadOutlivesTwoCollectionsAndNoMore) {
  const Backup unfinished = make_backup("unfinished");
  ASSERT_TRUE(CollectedRepository::upload(*repository_.begin(), unfinished.beneath()));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(repository_.collect());
    EXPECT_TRUE(repository_.has(unfinished.tree.id)) << i;
  }
  ASSERT_TRUE(repository_.collect());
  EXPECT_FALSE(repository_.has(unfinished.tree.id));
  EXPECT_EQ(repository_.row_count(), 0u);
}

TEST_F(CollectorTest, WhatASessionWasToldStaysUntilItEnds) {
  const Backup old = make_garbage();
  const auto session = repository_.begin();
  ASSERT_EQ(repository_.presence(*session, old.tree.id), Presence::have);
  repository_.collect_all();
  EXPECT_FALSE(repository_.has(old.snapshot.id)) << "it was not asked for";
  const NamedObject snapshot = make_snapshot("made of what was there", old.tree.id);
  ASSERT_TRUE(CollectedRepository::upload(*session, {snapshot}));
  ASSERT_TRUE(repository_.commit(*session, snapshot.id)->committed);
  repository_.collect_all();
  EXPECT_TRUE(repository_.check_kept());
}

// The session is told "have" at every step of a collection in turn, and commits at its end.
TEST_F(CollectorTest, WhatIsToldAtAnyStepStays) {
  for (int at = 0; at < 12; ++at) {
    CollectedRepository repository;
    const Backup old = make_backup("old");
    const SnapshotInfo deleted = repository.back_up(old.beneath(), old.snapshot);
    const Backup kept = make_backup("new");
    repository.back_up(kept.beneath(), kept.snapshot);
    for (int i = 0; i < 2; ++i)
      ASSERT_TRUE(repository.collect());
    repository.remove(deleted);
    const auto session = repository.begin();
    int step = 0;
    Presence told = Presence::wait;
    ASSERT_TRUE(repository.collect([&] {
      if (step++ == at) told = repository.presence(*session, old.tree.id);
    }));
    if (told == Presence::wait) continue;
    if (told == Presence::send) ASSERT_TRUE(CollectedRepository::upload(*session, old.beneath()));
    const NamedObject snapshot = make_snapshot("again", old.tree.id);
    ASSERT_TRUE(CollectedRepository::upload(*session, {snapshot})) << at;
    ASSERT_TRUE(repository.commit(*session, snapshot.id)->committed) << at;
    repository.collect_all();
    const Status checked = repository.check_kept();
    EXPECT_TRUE(checked) << at << ": " << checked.error().message;
    EXPECT_EQ(repository.row_count(), 6u) << at;
  }
}

// It sends everything without having asked, chunks that are dying among them.
TEST_F(CollectorTest, ASessionThatAsksNothingLosesNothing) {
  for (int at = 0; at < 12; ++at) {
    CollectedRepository repository;
    const Backup old = make_backup("old");
    const SnapshotInfo deleted = repository.back_up(old.beneath(), old.snapshot);
    const Backup kept = make_backup("new");
    repository.back_up(kept.beneath(), kept.snapshot);
    for (int i = 0; i < 2; ++i)
      ASSERT_TRUE(repository.collect());
    repository.remove(deleted);
    const auto session = repository.begin();
    const NamedObject snapshot = make_snapshot("again", old.tree.id);
    // One object at each step from there on.
    const std::vector<NamedObject> sent = {old.chunk, old.tree, snapshot};
    int step = 0;
    std::size_t done = 0;
    const auto send = [&] {
      if (step++ < at || done == sent.size()) return;
      ASSERT_TRUE(CollectedRepository::upload(*session, {sent[done++]})) << at;
    };
    ASSERT_TRUE(repository.collect(send));
    while (done < sent.size())
      send();
    ASSERT_TRUE(repository.commit(*session, snapshot.id)->committed) << at;
    repository.collect_all();
    const Status checked = repository.check_kept();
    EXPECT_TRUE(checked) << at << ": " << checked.error().message;
  }
}

TEST_F(CollectorTest, ATreeOfASessionThatWentIsFoundByAnother) {
  const Backup unfinished = make_backup("unfinished");
  ASSERT_TRUE(CollectedRepository::upload(*repository_.begin(), unfinished.beneath()));
  ASSERT_TRUE(repository_.collect());
  ASSERT_TRUE(repository_.collect());
  const auto session = repository_.begin();
  ASSERT_EQ(repository_.presence(*session, unfinished.tree.id), Presence::have);
  repository_.collect_all();
  ASSERT_TRUE(CollectedRepository::upload(*session, {unfinished.snapshot}));
  ASSERT_TRUE(repository_.commit(*session, unfinished.snapshot.id)->committed);
  repository_.collect_all();
  EXPECT_TRUE(repository_.check_kept());
  EXPECT_EQ(repository_.row_count(), 3u);
}

TEST_F(CollectorTest, ARestoreUnderWayIsNotDisturbed) {
  const Backup old = make_backup("old");
  const SnapshotInfo snapshot = back_up(old);
  back_up(make_backup("new"));
  repository_.collect_all();
  auto reader = repository_.begin(SessionPurpose::read);
  ASSERT_TRUE(
      reader->read(std::span(&old.snapshot.id, 1), Neighbours::welcome, [](ByteView) { return Status{}; }));
  repository_.remove(snapshot);
  repository_.collect_all();
  EXPECT_EQ(CollectedRepository::read_all(*reader, old.snapshot.id), 3u);
  reader.reset();
  repository_.collect_all();
  EXPECT_EQ(repository_.row_count(), 3u);
}

TEST_F(CollectorTest, AFencedSessionKeepsNothingAndCommitsNothing) {
  const Backup old = make_garbage();
  const auto session = repository_.begin();
  ASSERT_EQ(repository_.presence(*session, old.snapshot.id), Presence::have);
  repository_.core().fence_sessions();
  EXPECT_EQ(repository_.collect()->dead, 3u);
  const Result<CommitResult> result = repository_.commit(*session, old.snapshot.id);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::fenced);
}

TEST_F(CollectorTest, WhatIsCommittedDuringTheMarkStays) {
  for (int at = 0; at < 12; ++at) {
    CollectedRepository repository;
    const Backup one = make_backup("one");
    const auto session = repository.begin();
    ASSERT_TRUE(CollectedRepository::upload(*session, one.beneath()));
    ASSERT_TRUE(CollectedRepository::upload(*session, {one.snapshot}));
    ASSERT_TRUE(repository.collect());
    ASSERT_TRUE(repository.collect());
    int step = 0;
    ASSERT_TRUE(repository.collect([&] {
      if (step++ == at) EXPECT_TRUE(repository.commit(*session, one.snapshot.id)->committed);
    }));
    repository.collect_all();
    EXPECT_TRUE(repository.check_kept());
  }
}

// What is deleted after the roots were taken is alive in this collection, whatever the time is said to be:
// the next one judges it.
TEST_F(CollectorTest, AClockThatIsSetBackMakesNoDeletionFinalTooEarly) {
  for (int at = 1; at < 6; ++at) {
    CollectedRepository repository;
    const Backup old = make_backup("old"), kept = make_backup("new");
    const SnapshotInfo deleted = repository.back_up(old.beneath(), old.snapshot);
    repository.back_up(kept.beneath(), kept.snapshot);
    for (int i = 0; i < 2; ++i)
      ASSERT_TRUE(repository.collect());
    int step = 0;
    ASSERT_TRUE(repository.collect([&] {
      if (step++ != at) return;
      repository.clock().shift = -100'000'000;
      repository.remove(deleted);
    }));
    ASSERT_GT(step, at);
    EXPECT_EQ(repository.core().book().history(repository.node())->size(), 2u) << at;
    EXPECT_TRUE(repository.core().book().undelete({repository.node(), deleted.sequence}, [](auto,
                                                                                            const auto&) {
      return Status{};
    })) << at;
    EXPECT_TRUE(repository.check_kept()) << at;
  }
}

// A crash in between leaves a sweep to be finished; a snapshot that could still be brought back would be
// without its objects then.
TEST_F(CollectorTest, TheJournalKnowsOfACollectionBeforeAnythingIsDead) {
  make_garbage();
  bool frozen = false;
  ASSERT_TRUE(repository_.collect([&] {
    if (!repository_.core().gate().dead_set()) return;
    frozen = true;
    EXPECT_EQ(repository_.core().book().history(repository_.node())->size(), 1u);
  }));
  EXPECT_TRUE(frozen);
}

TEST_F(CollectorTest, ASnapshotComesBackIntoTheDomainThatItWasMadeIn) {
  const SnapshotInfo snapshot = back_up(make_backup("old"));
  back_up(make_backup("new"));
  repository_.remove(snapshot);
  const NodeRecord node = *repository_.core().book().admit({.node = repository_.node()});
  NodeRecord moved = node;
  moved.domain = node.domain + 1;
  Journal& journal = repository_.core().journal();
  ASSERT_TRUE(journal.append(DomainRecord{.domain = moved.domain, .chunk_params = small_chunk_params()}));
  ASSERT_TRUE(journal.append(moved));
  repository_.restart();
  ASSERT_EQ(repository_.core().book().admit({.node = node.node})->domain, moved.domain);
  std::optional<std::uint32_t> domain;
  ASSERT_TRUE(repository_.core().book().undelete({node.node, snapshot.sequence},
                                                 [&](std::uint32_t asked, const ObjectId&) -> Status {
                                                   domain = asked;
                                                   return {};
                                                 }));
  EXPECT_EQ(domain, node.domain);
}

TEST_F(CollectorTest, OnlyOneAtATime) {
  std::optional<Errc> second;
  ASSERT_TRUE(repository_.collect([&] {
    if (second) return;
    std::thread([&] { second = repository_.collect().error().code; }).join();
  }));
  EXPECT_EQ(second, Errc::busy);
}

TEST_F(CollectorTest, WhatWasCancelledIsDoneNextTime) {
  for (int at = 0; at < 12; ++at) {
    CollectedRepository repository;
    const Backup old = make_backup("old");
    const SnapshotInfo deleted = repository.back_up(old.beneath(), old.snapshot);
    const Backup kept = make_backup("new");
    repository.back_up(kept.beneath(), kept.snapshot);
    for (int i = 0; i < 2; ++i)
      ASSERT_TRUE(repository.collect());
    repository.remove(deleted);
    std::atomic<bool> cancelled = false;
    int step = 0;
    const auto report = run_collection(repository.core(),
                                       {.between_steps =
                                            [&] {
                                              if (step++ == at) cancelled = true;
                                            }},
                                       cancelled);
    EXPECT_TRUE(report || report.error().code == Errc::cancelled);
    EXPECT_TRUE(repository.check_kept());
    cancelled = false;
    ASSERT_TRUE(finish_sweep(repository.core(), cancelled));
    EXPECT_EQ(repository.core().gate().dead_set(), nullptr);
    ASSERT_TRUE(repository.collect());
    EXPECT_EQ(repository.row_count(), 3u) << at;
  }
}

TEST_F(CollectorTest, ASnapshotThatTheCatalogLacksStopsIt) {
  const Backup old = make_garbage();
  back_up(make_backup("third"));
  CatalogBatch loss;
  loss.removed_objects.push_back({repository_.core().book().admit({.node = repository_.node()})->domain,
                                  make_backup("new").snapshot.id});
  ASSERT_TRUE(repository_.core().writer().persist());
  ASSERT_TRUE(repository_.core().catalog().apply(loss));
  const auto report = repository_.collect();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::corrupt);
  EXPECT_TRUE(repository_.has(old.chunk.id));
}

TEST_F(CollectorTest, PacksWithoutRowsAreUnlinked) {
  const SnapshotInfo deleted = back_up(make_backup("old"));
  repository_.restart();  // seals the pack
  back_up(make_backup("new"));
  EXPECT_EQ(repository_.core().packs().packs().size(), 2u);
  repository_.remove(deleted);
  const std::uint64_t stored = repository_.core().index().stored_bytes(repository_.node());
  repository_.collect_all();
  EXPECT_EQ(repository_.core().packs().packs(), std::vector<std::uint64_t>{2});
  EXPECT_LT(repository_.core().index().stored_bytes(repository_.node()), stored);
  repository_.rebuild();
  EXPECT_TRUE(repository_.check_kept());
}

TEST_F(CollectorTest, WhatIsDamagedHindersACollectionUnlessOneInsists) {
  back_up(make_backup("lost"));
  repository_.restart();
  // In a later pack, so that what refers to the lost chunk is still there.
  const NamedObject tree = make_tree("of two", {make_backup("lost").chunk.id});
  repository_.back_up({tree}, make_snapshot("damaged", tree.id));
  repository_.disk().erase(repository_.core().packs().path(1));
  repository_.rebuild();
  const std::atomic<bool> cancelled = false;
  const auto refused = run_collection(repository_.core(), {}, cancelled);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::corrupt);
  // The very first snapshot has no object at all any more, and no option helps.
  EXPECT_FALSE(run_collection(repository_.core(), {.though_damaged = true}, cancelled));
  repository_.remove(repository_.begin(SessionPurpose::read)->snapshots({})->back());
  EXPECT_FALSE(run_collection(repository_.core(), {}, cancelled));
  EXPECT_TRUE(run_collection(repository_.core(), {.though_damaged = true}, cancelled));
}

// Nobody sends again what the older snapshot has above the chunk, since nobody needs it.
TEST_F(CollectorTest, ASnapshotIsWholeAgainOnceAnotherBackupBroughtWhatItLacked) {
  const NamedObject chunk = make_chunk("lost");
  ASSERT_TRUE(CollectedRepository::upload(*repository_.begin(), {chunk}));
  repository_.restart();  // seals the pack
  const NamedObject page = make_tree("page", {chunk.id}), root = make_tree("root", {page.id});
  const NamedObject old = make_snapshot("old", root.id);
  repository_.back_up({page, root}, old);
  repository_.disk().erase(repository_.core().packs().path(1));
  repository_.rebuild();
  EXPECT_FALSE(repository_.has(old.id));
  EXPECT_FALSE(repository_.collect());

  const NamedObject other = make_tree("other page", {chunk.id});
  const SnapshotInfo between = repository_.back_up({chunk, other}, make_snapshot("between", other.id));
  ASSERT_TRUE(repository_.collect());
  EXPECT_TRUE(repository_.has(old.id));
  back_up(make_backup("new"));
  repository_.remove(between);
  repository_.collect_all();
  EXPECT_FALSE(repository_.has(other.id));
  EXPECT_TRUE(repository_.check_kept()) << "it keeps the chunk alive by itself";
  repository_.rebuild();
  EXPECT_TRUE(repository_.check_kept());
  EXPECT_TRUE(repository_.collect());
}

TEST_F(CollectorTest, WhatIsNowhereIsAskedForUntilItHasCome) {
  const NamedObject chunk = make_chunk("lost");
  ASSERT_TRUE(CollectedRepository::upload(*repository_.begin(), {chunk}));
  repository_.restart();
  const NamedObject page = make_tree("page", {chunk.id});
  repository_.back_up({page}, make_snapshot("old", page.id));
  EXPECT_TRUE(repository_.begin()->info().wanted.empty());
  repository_.disk().erase(repository_.core().packs().path(1));
  repository_.rebuild();
  EXPECT_EQ(repository_.begin()->info().wanted, std::vector<ObjectId>{chunk.id});
  repository_.restart();
  EXPECT_EQ(repository_.begin()->info().wanted, std::vector<ObjectId>{chunk.id});
  const NamedObject other = make_tree("other page", {chunk.id});
  repository_.back_up({chunk, other}, make_snapshot("between", other.id));
  EXPECT_TRUE(repository_.begin()->info().wanted.empty());
  EXPECT_TRUE(repository_.collect());
}

TEST_F(CollectorTest, WhatStillLacksSomethingStaysFlagged) {
  const NamedObject first = make_chunk("first"), second = make_chunk("second");
  ASSERT_TRUE(CollectedRepository::upload(*repository_.begin(), {first, second}));
  repository_.restart();
  const NamedObject whole = make_tree("whole again", {first.id}), lacking = make_tree("lacking", {second.id});
  const NamedObject root = make_tree("root", {whole.id, lacking.id});
  const NamedObject old = make_snapshot("old", root.id);
  repository_.back_up({whole, lacking, root}, old);
  repository_.disk().erase(repository_.core().packs().path(1));
  repository_.rebuild();
  const NamedObject other = make_tree("other page", {first.id});
  repository_.back_up({first, other}, make_snapshot("between", other.id));
  EXPECT_FALSE(repository_.collect());
  EXPECT_TRUE(repository_.has(whole.id)) << "as far as it goes";
  EXPECT_FALSE(repository_.has(lacking.id));
  EXPECT_FALSE(repository_.has(old.id));
  const NamedObject third = make_tree("third page", {second.id});
  repository_.back_up({second, third}, make_snapshot("after", third.id));
  EXPECT_TRUE(repository_.collect());
  EXPECT_TRUE(repository_.check_kept());
}

// A collection dies at every change of the disk and of the catalog, and every prefix of what the catalog was
// told survives.
TEST(CollectorCrashTest, ADeathAtAnyPointCostsNothing) {
  for (std::size_t cut = 0;; ++cut) {
    CollectedRepository repository;
    const Backup old = make_backup("old"), kept = make_backup("new");
    const SnapshotInfo deleted = repository.back_up(old.beneath(), old.snapshot);
    repository.back_up(kept.beneath(), kept.snapshot);
    for (int i = 0; i < 2; ++i)
      ASSERT_TRUE(repository.collect());
    repository.remove(deleted);
    const std::size_t before = repository.log().batches.size();
    // What was dead comes again while it is swept.
    const auto session = repository.begin();
    int step = 0;
    ASSERT_TRUE(repository.collect([&] {
      if (++step == 5) ASSERT_TRUE(CollectedRepository::upload(*session, old.beneath()));
    }));
    const bool all = before + cut >= repository.log().batches.size();
    repository.crash(before + cut);
    const std::atomic<bool> cancelled = false;
    ASSERT_TRUE(finish_sweep(repository.core(), cancelled));
    ASSERT_TRUE(repository.check_kept()) << cut;
    EXPECT_TRUE(repository.has(old.tree.id)) << "acknowledged and young, " << cut;
    // Whoever finds it there may build on it.
    const auto second = repository.begin();
    ASSERT_EQ(repository.presence(*second, old.tree.id), Presence::have) << cut;
    const NamedObject snapshot = make_snapshot("again", old.tree.id);
    ASSERT_TRUE(CollectedRepository::upload(*second, {snapshot}));
    ASSERT_TRUE(repository.commit(*second, snapshot.id)->committed);
    repository.collect_all();
    repository.collect_all();
    const Status checked = repository.check_kept();
    ASSERT_TRUE(checked) << cut << ": " << checked.error().message;
    EXPECT_EQ(repository.row_count(), 6u) << cut;
    if (all) break;
  }
}

TEST(CollectorCrashTest, ADeadDiskAtEveryChangeCostsNothing) {
  for (std::uint64_t cut = 0;; ++cut) {
    CollectedRepository repository;
    const Backup old = make_backup("old"), kept = make_backup("new");
    const SnapshotInfo deleted = repository.back_up(old.beneath(), old.snapshot);
    repository.back_up(kept.beneath(), kept.snapshot);
    for (int i = 0; i < 2; ++i)
      ASSERT_TRUE(repository.collect());
    repository.remove(deleted);
    repository.disk().crash_after(cut);
    const auto report = repository.collect();
    repository.crash(SIZE_MAX, cut % 2 == 0 ? Survival::none : Survival::all);
    ASSERT_TRUE(repository.check_kept()) << cut;
    repository.collect_all();
    repository.collect_all();
    ASSERT_TRUE(repository.check_kept()) << cut;
    EXPECT_EQ(repository.row_count(), 3u) << cut;
    repository.rebuild();
    ASSERT_TRUE(repository.check_kept()) << cut;
    if (report) break;
  }
}

}  // namespace
}  // namespace rb::test
