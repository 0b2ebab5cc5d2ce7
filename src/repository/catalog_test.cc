#include "repository/catalog.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "repository/catalog_codec.h"
#include "repository/catalog_keys.h"
#include "repository/memory_catalog.h"
#include "repository/rocks_catalog.h"
#include "support/store_samples.h"
#include "support/temp_directory.h"

namespace rb::test {

namespace {

ObjectId numbered_object_id(int number) {
  return make_chunk("object " + std::to_string(number)).id;
}

CatalogObject object_of(std::uint32_t domain, int number, std::vector<ObjectNumber> children = {}) {
  CatalogObject object;
  object.domain = domain;
  object.id = numbered_object_id(number);
  object.row.number = static_cast<ObjectNumber>(number);
  object.row.kind = children.empty() ? ObjectKind::chunk : ObjectKind::tree;
  object.row.at = {.pack = 3, .offset = static_cast<std::uint64_t>(number) * 1000};
  object.row.index = static_cast<std::uint32_t>(number) % 7;
  object.children = std::move(children);
  return object;
}

CatalogCommit commit_of(std::uint32_t node, std::uint64_t sequence) {
  CatalogCommit commit;
  commit.node = node;
  commit.domain = node;
  commit.snapshot.sequence = sequence;
  commit.snapshot.run = make_run(static_cast<std::uint8_t>(sequence));
  commit.snapshot.id.bytes.fill(static_cast<std::uint8_t>(sequence + 100));
  commit.snapshot.object = numbered_object_id(static_cast<int>(sequence));
  commit.snapshot.received = {.seconds = -5, .nanoseconds = 7};
  return commit;
}

struct CatalogMaker {
  std::string name;
  std::function<std::unique_ptr<Catalog>(const std::string& directory)> make;
};
void PrintTo(const CatalogMaker& maker, std::ostream* out) {
  *out << maker.name;
}

class CatalogTest : public testing::TestWithParam<CatalogMaker> {
 protected:
  void SetUp() override {
    repository_.bytes.fill(4);
    catalog_ = GetParam().make(directory_.path() + "/catalog");
    ASSERT_NE(catalog_, nullptr);
    ASSERT_TRUE(catalog_->clear(repository_));
  }
  void apply(const CatalogBatch& batch) {
    const Status done = catalog_->apply(batch);
    ASSERT_TRUE(done) << done.error().message;
  }

  TempDirectory directory_;
  RepositoryId repository_;
  std::unique_ptr<Catalog> catalog_;
};

TEST_P(CatalogTest, AnEmptyOneBelongsToItsRepository) {
  const auto state = catalog_->state();
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->repository, repository_);
  EXPECT_EQ(state->packs, PackPosition{});
  EXPECT_EQ(state->journal, JournalMark{});
  EXPECT_EQ(state->next_number, 1u);
  EXPECT_TRUE(catalog_->packs()->empty());
  EXPECT_TRUE(catalog_->nodes()->empty());
  EXPECT_TRUE(catalog_->object_counts()->empty());
}

TEST_P(CatalogTest, FindsObjectsInTheirDomainOnly) {
  CatalogBatch batch;
  batch.objects = {object_of(1, 10), object_of(1, 11, {10, 3, 10}), object_of(2, 12)};
  apply(batch);
  const auto rows = catalog_->find(1, std::vector{numbered_object_id(11), numbered_object_id(12),
                                                  numbered_object_id(10), numbered_object_id(99)});
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ((*rows)[0], object_of(1, 11, {1}).row);
  EXPECT_FALSE((*rows)[1]);
  EXPECT_EQ((*rows)[2], object_of(1, 10).row);
  EXPECT_FALSE((*rows)[3]);
  EXPECT_EQ(*catalog_->children(11), (std::vector<ObjectNumber>{3, 10}));
  EXPECT_TRUE(catalog_->children(10)->empty());
  EXPECT_EQ(*catalog_->packs(), std::vector<std::uint64_t>{3});
  EXPECT_TRUE(catalog_->find(1, {})->empty());
}

TEST_P(CatalogTest, ARowIsReplaced) {
  CatalogBatch batch;
  batch.objects = {object_of(1, 10, {4})};
  batch.objects[0].row.flags = kRowIncomplete;
  apply(batch);
  batch.objects = {object_of(1, 10, {4, 5})};
  batch.objects[0].row.at.pack = 9;
  apply(batch);
  const auto rows = catalog_->find(1, std::vector{numbered_object_id(10)});
  ASSERT_TRUE(rows && (*rows)[0]);
  EXPECT_EQ((*rows)[0]->at.pack, 9u);
  EXPECT_EQ((*rows)[0]->flags, 0);
  EXPECT_EQ(*catalog_->children(10), (std::vector<ObjectNumber>{4, 5}));
}

TEST_P(CatalogTest, KeepsMarksThatABatchDoesNotSet) {
  CatalogBatch batch;
  batch.packs = PackPosition{.pack = 7, .offset = 4096};
  batch.next_number = 55;
  batch.object_counts = {{1, 10}, {2, 20}};
  apply(batch);
  CatalogBatch later;
  later.journal = JournalMark{.sequence = 12, .hash = hash(as_bytes("x"))};
  later.object_counts = {{2, 21}};
  apply(later);
  const auto state = catalog_->state();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->packs, *batch.packs);
  EXPECT_EQ(state->journal, *later.journal);
  EXPECT_EQ(state->next_number, 55u);
  EXPECT_EQ(*catalog_->object_counts(), (std::map<std::uint32_t, std::uint64_t>{{1, 10}, {2, 21}}));
}

TEST_P(CatalogTest, KeepsNodesAndDomains) {
  CatalogBatch batch;
  batch.nodes = {{.record = {.node = 1, .domain = 1, .name = "host", .uid = 0, .user = "root"}},
                 {.record = {.node = 2, .domain = 2, .name = "with a credential"}, .removed = true}};
  batch.domains = {{.domain = 1, .chunk_params = small_chunk_params()},
                   {.domain = 2, .chunk_params = {}, .group = "lab"}};
  batch.domains[0].chunk_params.key.fill(3);
  apply(batch);
  EXPECT_EQ(*catalog_->nodes(), batch.nodes);
  EXPECT_EQ(*catalog_->domains(), batch.domains);
}

TEST_P(CatalogTest, KeepsCredentialsAndInvitations) {
  CatalogBatch batch;
  for (const std::uint8_t number : {1, 2}) {
    CatalogCredential credential{.node = number * 300u, .revoked = number == 2, .name = "t", .made = {-3, 4}};
    credential.id.bytes.fill(number);
    credential.secret.bytes.fill(static_cast<std::uint8_t>(number + 10));
    batch.credentials.push_back(credential);
    CatalogInvitation invitation{.record = {.made = {1, 2}, .node = "n", .group = "g", .expires = {-3, 4}}};
    invitation.record.id.bytes.fill(number);
    invitation.state = number == 2 ? InvitationState::used : InvitationState::open;
    invitation.used_by.bytes.fill(number);
    batch.invitations.push_back(invitation);
  }
  apply(batch);
  EXPECT_EQ(*catalog_->credentials(), batch.credentials);
  EXPECT_EQ(*catalog_->invitations(), batch.invitations);
  batch.credentials[0].revoked = true;
  batch.invitations[0].state = InvitationState::withdrawn;
  apply({.credentials = {batch.credentials[0]}, .invitations = {batch.invitations[0]}});
  EXPECT_EQ(*catalog_->credentials(), batch.credentials);
  EXPECT_EQ(*catalog_->invitations(), batch.invitations);
}

TEST_P(CatalogTest, KeepsHowMuchEachNodeStored) {
  const PackPosition counted{.pack = 7, .offset = 80};
  apply({.stored_bytes = {{1, 100}, {2, 200}}, .counted = counted});
  apply({.stored_bytes = {{2, 250}}, .packs = PackPosition{.pack = 8}});
  EXPECT_EQ(*catalog_->stored_bytes(), (std::map<std::uint32_t, std::uint64_t>{{1, 100}, {2, 250}}));
  EXPECT_EQ(catalog_->state()->counted, counted);
}

TEST_P(CatalogTest, KeepsHistoriesApart) {
  CatalogBatch batch;
  for (const std::uint64_t sequence : {1, 2, 3, 300})
    batch.commits.push_back(commit_of(1, sequence));
  batch.commits.push_back(commit_of(2, 1));
  apply(batch);
  const auto snapshot = [](std::uint64_t sequence) { return commit_of(1, sequence).snapshot; };
  EXPECT_EQ(*catalog_->snapshots(1, UINT64_MAX, 10),
            (std::vector{snapshot(300), snapshot(3), snapshot(2), snapshot(1)}));
  EXPECT_EQ(*catalog_->snapshots(1, 300, 2), (std::vector{snapshot(3), snapshot(2)}));
  EXPECT_TRUE(catalog_->snapshots(1, 1, 10)->empty());
  EXPECT_TRUE(catalog_->snapshots(1, 0, 10)->empty());
  EXPECT_TRUE(catalog_->snapshots(3, UINT64_MAX, 10)->empty());
  EXPECT_EQ(*catalog_->snapshot_count(1), 4u);
  EXPECT_EQ(*catalog_->snapshot_count(2), 1u);
  EXPECT_EQ(*catalog_->commit_of(1, make_run(3)), snapshot(3));
  EXPECT_FALSE(*catalog_->commit_of(2, make_run(3)));
  EXPECT_EQ(*catalog_->snapshot(1, snapshot(2).id), snapshot(2));
  EXPECT_FALSE(*catalog_->snapshot(2, snapshot(2).id));
}

std::shared_ptr<DeadSet> dead_below(ObjectNumber limit, std::initializer_list<ObjectNumber> marked) {
  auto dead = std::make_shared<DeadSet>();
  dead->limit = limit;
  for (const ObjectNumber number : marked)
    dead->marked.add(number);
  return dead;
}

TEST_P(CatalogTest, KeepsTheDeadSetUntilItIsLifted) {
  EXPECT_EQ(*catalog_->dead_set(), nullptr);
  apply({.dead_set = dead_below(900'000, {1, 65'535, 65'536, 800'000})});
  apply({.next_number = 7});
  auto dead = catalog_->dead_set();
  ASSERT_TRUE(dead && *dead);
  EXPECT_EQ((*dead)->limit, 900'000u);
  EXPECT_EQ((*dead)->marked, dead_below(0, {1, 65'535, 65'536, 800'000})->marked);
  // Another one replaces it, pages that it lacks included.
  apply({.dead_set = dead_below(50, {3})});
  dead = catalog_->dead_set();
  ASSERT_TRUE(dead && *dead);
  EXPECT_EQ((*dead)->limit, 50u);
  EXPECT_EQ((*dead)->marked, dead_below(0, {3})->marked);
  apply({.lift_dead_set = true});
  EXPECT_EQ(*catalog_->dead_set(), nullptr);
  apply({.lift_dead_set = true});
  apply({.dead_set = dead_below(2, {})});
  dead = catalog_->dead_set();
  ASSERT_TRUE(dead && *dead);
  EXPECT_EQ((*dead)->marked.count(), 0u);
}

TEST_P(CatalogTest, KeepsWhenCollectionsBegan) {
  EXPECT_TRUE(catalog_->begins()->empty());
  apply({.begins = std::vector<ObjectNumber>{5, 1'000'000'007}});
  EXPECT_EQ(*catalog_->begins(), (std::vector<ObjectNumber>{5, 1'000'000'007}));
  apply({.begins = std::vector<ObjectNumber>{}});
  EXPECT_TRUE(catalog_->begins()->empty());
}

TEST_P(CatalogTest, RemovesObjectsAndChildren) {
  CatalogBatch batch;
  batch.objects = {object_of(1, 10), object_of(1, 11, {10}), object_of(2, 10)};
  apply(batch);
  apply({.removed_objects = {{1, numbered_object_id(10)}, {1, numbered_object_id(99)}},
         .removed_children = {11, 98}});
  const auto rows = catalog_->find(1, std::vector{numbered_object_id(10), numbered_object_id(11)});
  ASSERT_TRUE(rows);
  EXPECT_FALSE((*rows)[0]);
  EXPECT_TRUE((*rows)[1]);
  EXPECT_TRUE((*catalog_->find(2, std::vector{numbered_object_id(10)}))[0]);
  EXPECT_TRUE(catalog_->children(11)->empty());
  // What a batch both removes and adds is there afterwards.
  batch.removed_objects = {{1, numbered_object_id(11)}};
  batch.removed_children = {11};
  apply(batch);
  EXPECT_TRUE((*catalog_->find(1, std::vector{numbered_object_id(11)}))[0]);
  EXPECT_EQ(*catalog_->children(11), std::vector<ObjectNumber>{10});
}

TEST_P(CatalogTest, RemovesSnapshotsAndTheirNames) {
  apply({.commits = {commit_of(1, 1), commit_of(1, 2), commit_of(2, 1)}});
  apply({.removed_snapshots = {{1, 1}, {1, 77}}});
  EXPECT_EQ(*catalog_->snapshots(1, UINT64_MAX, 10), std::vector{commit_of(1, 2).snapshot});
  EXPECT_EQ(*catalog_->snapshot_count(1), 1u);
  const SnapshotInfo gone = commit_of(1, 1).snapshot;
  EXPECT_EQ(*catalog_->commit_of(1, gone.run), std::nullopt);
  EXPECT_EQ(*catalog_->snapshot(1, gone.id), std::nullopt);
  EXPECT_EQ(*catalog_->commit_of(2, gone.run), gone);
}

TEST_P(CatalogTest, KeepsPacksUntilTheyAreRemoved) {
  CatalogBatch batch;
  batch.objects = {object_of(1, 10), object_of(1, 11), object_of(1, 12)};
  batch.objects[1].row.at.pack = 8;
  batch.objects[2].row.at.pack = 9;
  batch.pack_rows = {{.pack = 8, .writer = PackWriter::collector, .bytes = {{1, 500}, {70'000, 1ull << 40}}}};
  apply(batch);
  const std::vector<CatalogPack> expected = {{.pack = 3}, batch.pack_rows[0], {.pack = 9}};
  EXPECT_EQ(*catalog_->pack_rows(), expected);
  // More objects leave the row as it is; so does removing all objects.
  batch.pack_rows.clear();
  apply(batch);
  apply({.removed_objects = {{1, numbered_object_id(10)}, {1, numbered_object_id(11)}}});
  EXPECT_EQ(*catalog_->pack_rows(), expected);
  EXPECT_EQ(*catalog_->packs(), (std::vector<std::uint64_t>{3, 8, 9}));
  apply({.removed_packs = {3, 8, 500}});
  EXPECT_EQ(*catalog_->packs(), std::vector<std::uint64_t>{9});
}

TEST_P(CatalogTest, VisitsTheObjectsOfADomainInStretches) {
  CatalogBatch batch;
  std::vector<std::pair<ObjectId, ObjectRow>> expected;
  for (int number = 1; number <= 50; ++number) {
    batch.objects.push_back(object_of(1, number));
    batch.objects.back().row.share_bytes = static_cast<std::uint32_t>(number) * 100;
    expected.emplace_back(batch.objects.back().id, batch.objects.back().row);
  }
  batch.objects.push_back(object_of(0, 5));
  batch.objects.push_back(object_of(2, 5));
  apply(batch);
  std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::pair<ObjectId, ObjectRow>> seen;
  std::optional<ObjectId> after;
  for (std::size_t in_stretch = 7; in_stretch == 7;) {
    in_stretch = 0;
    const Status visited =
        catalog_->visit_objects(1, after, 7, [&](const ObjectId& id, const ObjectRow& row) {
          ++in_stretch;
          seen.emplace_back(id, row);
          if (seen.size() != 3) return Status{};
          return catalog_->apply({.removed_objects = {{1, expected[5].first}, {1, expected[10].first}}});
        });
    ASSERT_TRUE(visited) << visited.error().message;
    after = seen.back().first;
  }
  expected.erase(expected.begin() + 10);  // what was removed in the stretch under way was still visited
  EXPECT_EQ(seen, expected);
  const Status stopped = catalog_->visit_objects(2, std::nullopt, 10, [](const ObjectId&, const ObjectRow&) {
    return Status(fail(Errc::cancelled, ""));
  });
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
}

TEST_P(CatalogTest, VisitsChildrenFromTheHighestNumber) {
  CatalogBatch batch;
  for (const int number : {5, 300, 70'000, 20})
    batch.objects.push_back(object_of(static_cast<std::uint32_t>(number) % 3, number, {1, 2}));
  batch.objects.push_back(object_of(1, 6));
  apply(batch);
  const auto seen_below = [&](ObjectNumber below, std::size_t limit) {
    std::vector<ObjectNumber> seen;
    EXPECT_TRUE(
        catalog_->visit_children(below, limit, [&](ObjectNumber number, std::vector<ObjectNumber> children) {
          EXPECT_EQ(children, (std::vector<ObjectNumber>{1, 2}));
          seen.push_back(number);
          return Status{};
        }));
    return seen;
  };
  EXPECT_EQ(seen_below(UINT64_MAX, 10), (std::vector<ObjectNumber>{70'000, 300, 20, 5}));
  EXPECT_EQ(seen_below(70'000, 2), (std::vector<ObjectNumber>{300, 20}));
  EXPECT_EQ(seen_below(20, 2), (std::vector<ObjectNumber>{5}));
  EXPECT_TRUE(seen_below(5, 2).empty());
  EXPECT_TRUE(seen_below(0, 2).empty());
  EXPECT_TRUE(seen_below(UINT64_MAX, 0).empty());
}

TEST_P(CatalogTest, VisitsAllCommits) {
  const std::vector<CatalogCommit> commits = {commit_of(1, 1), commit_of(1, 300), commit_of(2, 7),
                                              commit_of(300, 2)};
  apply({.commits = {commits[3], commits[0], commits[2], commits[1]}});
  std::vector<CatalogCommit> seen;
  ASSERT_TRUE(catalog_->visit_commits([&](const CatalogCommit& commit) {
    seen.push_back(commit);
    return Status{};
  }));
  EXPECT_EQ(seen, commits);
}

TEST_P(CatalogTest, KeepsWhatBecameOfSnapshots) {
  const CatalogSnapshotMark deleted{.snapshot = {2, 1}, .deleted = Timestamp{-5, 7}};
  const CatalogSnapshotMark pinned{.snapshot = {1, 300}, .pinned_by_administrator = true};
  const CatalogSnapshotMark released{
      .snapshot = {1, 2}, .pinned_by_node = true, .released = Timestamp{9, 999'999'999}};
  apply({.snapshot_marks = {deleted, {.snapshot = {1, 2}}, pinned, released}});
  EXPECT_EQ(*catalog_->snapshot_marks(), (std::vector{released, pinned, deleted}));
  apply({.snapshot_marks = {{.snapshot = {1, 300}}}});
  EXPECT_EQ(*catalog_->snapshot_marks(), (std::vector{released, deleted}));
}

TEST_P(CatalogTest, KeepsTheTimesOfTheJournal) {
  EXPECT_EQ(catalog_->state()->times, CatalogTimes{});
  const CatalogTimes times{
      .newest = Timestamp{-1, 2}, .judged_before = Timestamp{3, 4}, .last_collection = Timestamp{5, 6}};
  apply({.times = times});
  apply({});
  EXPECT_EQ(catalog_->state()->times, times);
}

TEST_P(CatalogTest, LoadsAsItApplies) {
  CatalogBatch first;
  first.objects = {object_of(1, 10, {3, 9}), object_of(1, 11), object_of(2, 12, {10})};
  std::sort(first.objects.begin(), first.objects.end(), [](const auto& a, const auto& b) {
    return a.domain != b.domain ? a.domain < b.domain : a.id < b.id;
  });
  first.object_counts = {{1, 2}, {2, 1}};
  first.stored_bytes = {{7, 100}};
  first.packs = PackPosition{.pack = 3, .offset = 500};
  first.pack_rows = {{.pack = 3, .bytes = {{7, 100}}}};
  first.next_number = 13;
  CatalogBatch second;
  second.objects = {object_of(1, 11, {10})};
  second.objects[0].row.number = 11;
  second.packs = PackPosition{.pack = 3, .offset = 900};
  CatalogBatch between;
  between.nodes = {{.record = {.node = 7}}};
  between.begins = {2, 5};
  ASSERT_TRUE(catalog_->load(first));
  apply(between);
  ASSERT_TRUE(catalog_->load(second));
  for (int time = 0; time < 2; ++time) {  // during the load, and after it
    const auto state = catalog_->state();
    ASSERT_TRUE(state);
    EXPECT_EQ(state->packs.offset, 900u);
    EXPECT_EQ(state->next_number, 13u);
    EXPECT_EQ(*catalog_->object_counts(), first.object_counts);
    EXPECT_EQ(*catalog_->stored_bytes(), first.stored_bytes);
    EXPECT_EQ(*catalog_->pack_rows(), first.pack_rows);
    EXPECT_EQ(catalog_->nodes()->size(), 1u);
    EXPECT_EQ(*catalog_->begins(), between.begins);
    EXPECT_EQ(*catalog_->children(10), (std::vector<ObjectNumber>{3, 9}));
    EXPECT_EQ(*catalog_->children(11), (std::vector<ObjectNumber>{10}));
    const auto rows = catalog_->find(
        1, std::vector{numbered_object_id(10), numbered_object_id(11), numbered_object_id(12)});
    ASSERT_TRUE(rows);
    EXPECT_EQ((*rows)[0], object_of(1, 10, {3}).row);
    EXPECT_EQ((*rows)[1], second.objects[0].row);
    EXPECT_FALSE((*rows)[2]);
    ASSERT_TRUE(catalog_->end_load());
  }
  apply({.removed_objects = {{1, numbered_object_id(10)}}, .removed_children = {10}});
  EXPECT_FALSE((*catalog_->find(1, std::vector{numbered_object_id(10)}))[0]);
  EXPECT_TRUE(catalog_->children(10)->empty());
}

TEST_P(CatalogTest, ClearForgetsEverything) {
  CatalogBatch batch;
  batch.snapshot_marks = {{.snapshot = {1, 1}, .pinned_by_node = true}};
  batch.times = CatalogTimes{.newest = Timestamp{1, 0}};
  batch.dead_set = dead_below(5, {1});
  batch.begins = std::vector<ObjectNumber>{4};
  batch.objects = {object_of(1, 10, {4})};
  batch.commits = {commit_of(1, 1)};
  batch.nodes = {{.record = {.node = 1}}};
  batch.credentials = {{.node = 1}};
  batch.invitations = {{.record = {.node = "n"}}};
  batch.stored_bytes = {{1, 1}};
  batch.next_number = 11;
  apply(batch);
  RepositoryId other;
  other.bytes.fill(8);
  ASSERT_TRUE(catalog_->clear(other));
  EXPECT_EQ(catalog_->state()->repository, other);
  EXPECT_EQ(catalog_->state()->next_number, 1u);
  EXPECT_FALSE((*catalog_->find(1, std::vector{numbered_object_id(10)}))[0]);
  EXPECT_TRUE(catalog_->children(10)->empty());
  EXPECT_EQ(*catalog_->snapshot_count(1), 0u);
  EXPECT_TRUE(catalog_->nodes()->empty() && catalog_->credentials()->empty());
  EXPECT_TRUE(catalog_->invitations()->empty() && catalog_->stored_bytes()->empty());
  EXPECT_TRUE(catalog_->packs()->empty() && catalog_->begins()->empty());
  EXPECT_TRUE(catalog_->snapshot_marks()->empty());
  EXPECT_EQ(catalog_->state()->times, CatalogTimes{});
  EXPECT_EQ(*catalog_->dead_set(), nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    Both, CatalogTest,
    testing::Values(CatalogMaker{"memory",
                                 [](const std::string&) { return std::make_unique<MemoryCatalog>(); }},
                    CatalogMaker{"rocks",
                                 [](const std::string& directory) -> std::unique_ptr<Catalog> {
                                   auto opened = open_rocks_catalog(directory);
                                   return opened ? std::move(*opened) : nullptr;
                                 }}),
    [](const auto& maker) { return maker.param.name; });

TEST(RocksCatalogTest, WhatWasPersistedIsThereAfterwards) {
  const TempDirectory directory;
  RepositoryId repository;
  repository.bytes.fill(4);
  CatalogBatch batch;
  batch.objects = {object_of(1, 10)};
  batch.packs = PackPosition{.pack = 7, .offset = 4096};
  {
    const auto catalog = open_rocks_catalog(directory.path() + "/c");
    ASSERT_TRUE(catalog && (*catalog)->clear(repository) && (*catalog)->apply(batch) &&
                (*catalog)->persist());
  }
  const auto catalog = open_rocks_catalog(directory.path() + "/c");
  ASSERT_TRUE(catalog);
  EXPECT_EQ((*catalog)->state()->packs, *batch.packs);
  EXPECT_TRUE((*(*catalog)->find(1, std::vector{numbered_object_id(10)}))[0]);
}

// Later batches on disk without the dead set before them would make dead objects findable.
TEST(RocksCatalogTest, TheDeadSetIsThereAfterwards) {
  const TempDirectory directory;
  {
    const auto catalog = open_rocks_catalog(directory.path() + "/c");
    ASSERT_TRUE(catalog && (*catalog)->clear(RepositoryId{}));
    ASSERT_TRUE((*catalog)->apply({.dead_set = dead_below(200'000, {100'000})}) && (*catalog)->persist());
  }
  const auto catalog = open_rocks_catalog(directory.path() + "/c");
  ASSERT_TRUE(catalog);
  const auto dead = (*catalog)->dead_set();
  ASSERT_TRUE(dead && *dead);
  EXPECT_TRUE((*dead)->contains(99'999));
  EXPECT_FALSE((*dead)->contains(100'000));
}

// What a process that dies leaves is the state after some batch, never a part of one.
TEST(RocksCatalogTest, AKilledProcessLeavesWholeBatches) {
  const TempDirectory directory;
  const std::string living = directory.path() + "/living", copy = directory.path() + "/copy";
  RepositoryId repository;
  repository.bytes.fill(4);
  const auto catalog = open_rocks_catalog(living);
  ASSERT_TRUE(catalog && (*catalog)->clear(repository));
  for (int round = 1; round <= 6; ++round) {
    CatalogBatch batch;
    for (int i = 0; i < 100; ++i)
      batch.objects.push_back(object_of(1, round * 1000 + i));
    std::sort(batch.objects.begin(), batch.objects.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    batch.packs = PackPosition{.pack = 1, .offset = static_cast<std::uint64_t>(round)};
    ASSERT_TRUE((*catalog)->apply(batch));
    if (round == 3) {
      ASSERT_TRUE((*catalog)->persist());
    }
  }
  std::filesystem::copy(living, copy, std::filesystem::copy_options::recursive);
  const auto left = open_rocks_catalog(copy);
  ASSERT_TRUE(left) << left.error().message;
  const auto state = (*left)->state();
  ASSERT_TRUE(state);
  EXPECT_EQ(state->packs.offset, 3u);
  for (int round = 1; round <= 6; ++round) {
    std::vector<ObjectId> ids;
    for (int i = 0; i < 100; ++i)
      ids.push_back(numbered_object_id(round * 1000 + i));
    const auto rows = (*left)->find(1, ids);
    ASSERT_TRUE(rows);
    for (const auto& row : *rows)
      EXPECT_EQ(row.has_value(), round <= 3);
  }
}

// A load is on the disk at once, and must not be there without what came before it.
TEST(RocksCatalogTest, AKilledLoadLeavesAllBatchesBeforeIt) {
  const TempDirectory directory;
  const std::string living = directory.path() + "/living", copy = directory.path() + "/copy";
  const auto catalog = open_rocks_catalog(living);
  ASSERT_TRUE(catalog && (*catalog)->clear(RepositoryId{}));
  constexpr int kRounds = 40;  // enough for a merging between
  for (int round = 1; round <= kRounds; ++round) {
    CatalogBatch journalled;
    journalled.commits = {commit_of(5, static_cast<std::uint64_t>(round))};
    ASSERT_TRUE((*catalog)->apply(journalled));
    CatalogBatch batch;
    batch.objects = {object_of(1, round)};
    batch.packs = PackPosition{.pack = 1, .offset = static_cast<std::uint64_t>(round)};
    ASSERT_TRUE((*catalog)->load(batch));
  }
  ASSERT_TRUE((*catalog)->apply({.packs = PackPosition{.pack = 1, .offset = 1000}}));
  std::ofstream(living + "/loading") << "half of a file";
  std::filesystem::copy(living, copy, std::filesystem::copy_options::recursive);
  const auto left = open_rocks_catalog(copy);
  ASSERT_TRUE(left) << left.error().message;
  EXPECT_EQ((*left)->state()->packs.offset, static_cast<std::uint64_t>(kRounds));
  EXPECT_EQ(*(*left)->snapshot_count(5), static_cast<std::uint64_t>(kRounds));
  for (int round = 1; round <= kRounds; ++round)
    EXPECT_TRUE((*(*left)->find(1, std::vector{numbered_object_id(round)}))[0]) << round;
  ASSERT_TRUE((*left)->load({.packs = PackPosition{.pack = 1, .offset = 2000}}));  // it goes on
  ASSERT_TRUE((*left)->end_load());
  EXPECT_EQ((*left)->state()->packs.offset, 2000u);
}

TEST(CatalogCodecTest, RefusesWhatWasNeverWritten) {
  const Bytes good = encode_object_row(object_of(1, 10).row);
  EXPECT_TRUE(decode_object_row(good));
  EXPECT_FALSE(decode_object_row(ByteView(good).first(good.size() - 1)));
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decode_object_row(longer));
  Bytes strange_kind = good;
  strange_kind[0] = 99;
  EXPECT_FALSE(decode_object_row(strange_kind));
  EXPECT_FALSE(decode_children(Bytes{5, 0}));
  EXPECT_FALSE(decode_children(Bytes{0x80}));
  EXPECT_EQ(*decode_children(encode_children({9, 5, 9, UINT64_MAX})),
            (std::vector<ObjectNumber>{5, 9, UINT64_MAX}));
  const CatalogPack pack{.pack = 3, .bytes = {{1, 2}, {4, 5}}};
  EXPECT_EQ(*decode_pack_row(3, encode_pack_row(pack)), pack);
  for (const Bytes& bad : {Bytes{}, Bytes{2, 0}, Bytes{0, 1, 4, 0, 0, 0}, Bytes{0, 0, 0},
                           Bytes{0, 2, 4, 0, 0, 0, 1, 4, 0, 0, 0, 1}}) {
    EXPECT_FALSE(decode_pack_row(3, bad)) << bad.size();
  }
  EXPECT_FALSE(decode_begins(Bytes(7)));
  EXPECT_FALSE(decode_begins(Bytes(8 * 65)));
  EXPECT_FALSE(decode_dead_page(Bytes(8191)));
  EXPECT_FALSE(decode_dead_page(Bytes(8193)));
  Bytes version = encode_identity(RepositoryId{});
  version[0] ^= 0xff;
  EXPECT_EQ(decode_identity(version).error().code, Errc::unsupported);
}

}  // namespace

}  // namespace rb::test
