#include <algorithm>

#include "support/registry_fixture.h"

namespace rb::test {
namespace {

constexpr std::chrono::hours kDay{24};

// A node "ana" with a snapshot every twelve hours.
class LocalHistoryTest : public RegistryFixture {
 protected:
  LocalHistoryTest() { ana_ = join("ana"); }

  void use_policy(const std::string& text) {
    RetentionSettings settings;
    settings.standard = *parse_retention_policy(text);
    repository_->set_retention(settings);
    options_.retention = settings;  // when it is opened again
  }
  SnapshotInfo back_up(std::chrono::seconds after = kDay / 2) {
    clock_.now += after;
    ++runs_;
    const auto session = begin(ana_, runs_);
    return commit(*session, "content " + std::to_string(runs_));
  }
  void back_up_times(int count) {
    for (int i = 0; i < count; ++i)
      history_.push_back(back_up());
  }
  HistoryKeeper& keeper() { return repository_->history(); }
  PrunedNode prune(bool dry_run = false) {
    const auto reports = keeper().prune({.node = "ana", .dry_run = dry_run, .snapshots = true});
    EXPECT_TRUE(reports) << reports.error().message;
    return reports && !reports->empty() ? reports->front() : PrunedNode{};
  }
  std::vector<std::uint64_t> listed() {
    std::vector<std::uint64_t> sequences;
    const auto snapshots = begin(ana_, 200)->snapshots({});
    for (const SnapshotInfo& info : *snapshots)
      sequences.push_back(info.sequence);
    return sequences;
  }
  std::string id_of(std::uint64_t sequence) { return to_hex(history_[sequence - 1].id); }
  Status pin_as_node(std::uint64_t sequence, bool pinned) {
    return begin(ana_, 201)->pin(history_[sequence - 1].id, pinned);
  }
  bool is_kept(std::uint64_t sequence) {
    const auto kept = listed();
    return std::ranges::find(kept, sequence) != kept.end();
  }

  Credential ana_;
  std::uint8_t runs_ = 0;
  std::vector<SnapshotInfo> history_;
};

using Sequences = std::vector<std::uint64_t>;

TEST_F(LocalHistoryTest, WithoutAPolicyEverythingStays) {
  back_up_times(4);
  EXPECT_EQ(prune().deleted, 0u);
  EXPECT_EQ(listed(), (Sequences{4, 3, 2, 1}));
}

TEST_F(LocalHistoryTest, ADryRunOnlySaysWhatAPruneDoes) {
  back_up_times(6);
  use_policy("last=2 floor=1h");
  const PrunedNode dry = prune(true);
  EXPECT_EQ(listed().size(), 6u);
  const PrunedNode real = prune();
  EXPECT_EQ(dry.kept, 2u);
  EXPECT_EQ(dry.deleted, 4u);
  EXPECT_EQ(real.kept, dry.kept);
  ASSERT_EQ(dry.snapshots.size(), 6u);
  EXPECT_EQ(dry.snapshots[0].reasons, (std::vector<std::string>{"head", "floor", "last 1"}));
  EXPECT_TRUE(dry.snapshots[2].reasons.empty());
  EXPECT_EQ(listed(), (Sequences{6, 5}));
  EXPECT_EQ(overview("ana")->snapshot_count, 2u);
  EXPECT_EQ(prune().deleted, 0u);
}

TEST_F(LocalHistoryTest, WhatWasDeletedStaysDeletedWhateverBecomesOfTheCatalog) {
  back_up_times(5);
  use_policy("last=1 floor=1h");
  ASSERT_EQ(prune().deleted, 4u);
  ASSERT_TRUE(keeper().undelete("ana", id_of(3)));
  ASSERT_TRUE(keeper().pin("ana", id_of(3), true));
  const auto before = keeper().snapshots("ana");
  for (const bool with_catalog : {true, false}) {
    if (with_catalog) open();
    if (!with_catalog) open_without_catalog();
    EXPECT_EQ(listed(), (Sequences{5, 3}));
    EXPECT_EQ(overview("ana")->snapshot_count, 2u);
    const auto after = keeper().snapshots("ana");
    ASSERT_EQ(after->size(), before->size());
    for (std::size_t i = 0; i < after->size(); ++i) {
      EXPECT_EQ((*after)[i].deleted, (*before)[i].deleted);
      EXPECT_EQ((*after)[i].pinned_by_administrator, (*before)[i].pinned_by_administrator);
    }
    EXPECT_EQ(prune().deleted, 0u);
  }
}

TEST_F(LocalHistoryTest, ACatalogThatACrashLeftBehindCatchesUp) {
  back_up_times(3);
  use_policy("last=1 floor=1h");
  const std::size_t batches = catalog_->batches.size();
  ASSERT_EQ(prune().deleted, 2u);
  open_with_older_catalog(batches);
  EXPECT_EQ(listed(), (Sequences{3}));
  EXPECT_EQ(overview("ana")->snapshot_count, 1u);
}

TEST_F(LocalHistoryTest, TheFloorHoldsAgainstAFlood) {
  back_up_times(4);
  use_policy("last=2 daily=3 floor=7d");
  for (int i = 0; i < 100; ++i)
    back_up(std::chrono::seconds(1));
  EXPECT_EQ(prune().deleted, 0u);
  EXPECT_EQ(listed().size(), 104u);
}

TEST_F(LocalHistoryTest, AnAdministratorsPinHoldsAgainstTheNode) {
  back_up_times(4);
  use_policy("last=1 floor=1h");
  ASSERT_TRUE(keeper().pin("ana", id_of(2), true));
  ASSERT_TRUE(pin_as_node(2, true));
  ASSERT_TRUE(pin_as_node(2, false));
  clock_.now += kDay * 30;
  back_up();
  prune();
  EXPECT_TRUE(is_kept(2));
  ASSERT_TRUE(keeper().pin("ana", id_of(2), false));
  prune();
  EXPECT_FALSE(is_kept(2));
}

TEST_F(LocalHistoryTest, APinThatTheNodeTookBackHoldsUntilTheFloorHasPassed) {
  back_up_times(3);
  use_policy("last=1 floor=7d");
  ASSERT_TRUE(pin_as_node(1, true));
  clock_.now += kDay * 20;
  history_.push_back(back_up());
  ASSERT_TRUE(pin_as_node(1, false));
  ASSERT_TRUE(pin_as_node(1, false));  // harmless, and does not begin anew
  back_up(kDay * 6);
  prune();
  EXPECT_TRUE(is_kept(1));
  EXPECT_FALSE(is_kept(2));
  back_up(kDay * 2);
  prune();
  EXPECT_FALSE(is_kept(1));
}

TEST_F(LocalHistoryTest, ANodeHasSoManyPins) {
  back_up_times(101);
  for (std::uint64_t sequence = 1; sequence <= 100; ++sequence)
    ASSERT_TRUE(pin_as_node(sequence, true)) << sequence;
  EXPECT_TRUE(refused(pin_as_node(101, true), Errc::conflict, "100 pins"));
  EXPECT_TRUE(pin_as_node(100, true));
  // One that was taken back still holds, so it makes no room yet.
  ASSERT_TRUE(pin_as_node(1, false));
  EXPECT_TRUE(refused(pin_as_node(101, true), Errc::conflict, "100 pins"));
  EXPECT_TRUE(keeper().pin("ana", id_of(101), true));
}

TEST_F(LocalHistoryTest, ANodePinsItsOwnOnly) {
  back_up_times(1);
  const Credential ben = join("ben");
  EXPECT_TRUE(refused(begin(ben)->pin(history_[0].id, true), Errc::not_found, ""));
}

TEST_F(LocalHistoryTest, DeletedOnesAreListedApart) {
  back_up_times(3);
  use_policy("last=1 floor=1h");
  prune();
  const auto session = begin(ana_, 200);
  const auto deleted = session->snapshots({.deleted = true});
  ASSERT_EQ(deleted->size(), 2u);
  EXPECT_EQ((*deleted)[0].id, history_[1].id);
  const Timestamp now = clock_.wall();
  EXPECT_EQ((*deleted)[0].gone_after, (Timestamp{now.seconds + 14 * 86400, now.nanoseconds}));
  EXPECT_EQ(session->snapshots({})->front().gone_after, std::nullopt);
}

TEST_F(LocalHistoryTest, Undelete) {
  back_up_times(3);
  use_policy("last=1 floor=1h");
  EXPECT_TRUE(refused(keeper().undelete("ana", id_of(1)), Errc::conflict, "not deleted"));
  prune();
  EXPECT_TRUE(keeper().undelete("ana", id_of(1).substr(0, 8)));
  EXPECT_TRUE(is_kept(1));
  EXPECT_TRUE(refused(keeper().undelete("ana", "0123456789abcdef"), Errc::not_found, "no snapshot"));
  EXPECT_TRUE(refused(keeper().undelete("ben", id_of(1)), Errc::not_found, "ben"));
  EXPECT_TRUE(refused(keeper().undelete("ana", ""), Errc::not_found, "no snapshot"));
}

TEST_F(LocalHistoryTest, NothingGoesWhileTheClockHasJumped) {
  back_up_times(5);
  use_policy("last=1 floor=1h");
  clock_.ahead = kDay * 365;
  EXPECT_TRUE(refused(keeper().prune({}), Errc::conflict, "jumped ahead"));
  clock_.ahead = -kDay;
  EXPECT_TRUE(refused(keeper().prune({}), Errc::conflict, "journal"));
  EXPECT_EQ(listed().size(), 5u);
  EXPECT_EQ(keeper().counters().failures, 2u);
  clock_.ahead = {};
  EXPECT_TRUE(keeper().prune({}));
  EXPECT_EQ(listed().size(), 1u);
}

TEST_F(LocalHistoryTest, TheJournalKnowsWhenAllWerePruned) {
  back_up_times(2);
  EXPECT_EQ(keeper().counters().last_pruning, std::nullopt);
  ASSERT_TRUE(keeper().prune({.dry_run = true}));
  ASSERT_TRUE(keeper().prune({.node = "ana"}));
  EXPECT_EQ(keeper().counters().last_pruning, std::nullopt);
  ASSERT_TRUE(keeper().prune({}));
  const Timestamp now = clock_.wall();
  open();
  EXPECT_EQ(keeper().counters().last_pruning, now);
  open_without_catalog();
  EXPECT_EQ(keeper().counters().last_pruning, now);
}

TEST_F(LocalHistoryTest, ANodesOwnPolicyComesFirst) {
  back_up_times(3);
  RetentionSettings settings;
  settings.standard = *parse_retention_policy("last=1 floor=1h");
  settings.by_node["ana"] = *parse_retention_policy("last=2 floor=1h");
  repository_->set_retention(settings);
  EXPECT_EQ(prune().policy, "last=2 floor=1h");
  EXPECT_EQ(listed(), (Sequences{3, 2}));
}

TEST_F(LocalHistoryTest, StatsAddUp) {
  back_up_times(4);
  use_policy("last=1 floor=1h");
  const auto stats = keeper().stats();
  ASSERT_TRUE(stats) << stats.error().message;
  ASSERT_EQ(stats->size(), 1u);
  const NodeStats& ana = stats->front();
  EXPECT_EQ(ana.snapshots, 4u);
  EXPECT_EQ(ana.prune_snapshots, 3u);
  EXPECT_GT(ana.stored_bytes, 0u);
  std::uint64_t counted = ana.unreadable;
  for (const AgeStats& age : ana.by_age)
    counted += age.snapshots;
  EXPECT_EQ(counted, 4u);
}

}  // namespace
}  // namespace rb::test
