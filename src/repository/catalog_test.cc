#include "repository/catalog.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "repository/catalog_codec.h"
#include "repository/memory_catalog.h"
#include "repository/rocks_catalog.h"
#include "support/store_samples.h"
#include "support/temp_directory.h"

namespace rb::test {

namespace {

ObjectId id_of(int number) {
  return make_chunk("object " + std::to_string(number)).id;
}

CatalogObject object_of(std::uint32_t domain, int number, std::vector<ObjectNumber> children = {}) {
  CatalogObject object;
  object.domain = domain;
  object.id = id_of(number);
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
  commit.snapshot.object = id_of(static_cast<int>(sequence));
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
  const auto rows = catalog_->find(1, std::vector{id_of(11), id_of(12), id_of(10), id_of(99)});
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
  const auto rows = catalog_->find(1, std::vector{id_of(10)});
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
    CatalogCredential credential{.node = number * 300u, .revoked = number == 2};
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

TEST_P(CatalogTest, ClearForgetsEverything) {
  CatalogBatch batch;
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
  EXPECT_FALSE((*catalog_->find(1, std::vector{id_of(10)}))[0]);
  EXPECT_TRUE(catalog_->children(10)->empty());
  EXPECT_EQ(*catalog_->snapshot_count(1), 0u);
  EXPECT_TRUE(catalog_->nodes()->empty() && catalog_->credentials()->empty());
  EXPECT_TRUE(catalog_->invitations()->empty() && catalog_->stored_bytes()->empty());
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
  EXPECT_TRUE((*(*catalog)->find(1, std::vector{id_of(10)}))[0]);
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
      ids.push_back(id_of(round * 1000 + i));
    const auto rows = (*left)->find(1, ids);
    ASSERT_TRUE(rows);
    for (const auto& row : *rows)
      EXPECT_EQ(row.has_value(), round <= 3);
  }
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
  Bytes version = encode_identity(RepositoryId{});
  version[0] ^= 0xff;
  EXPECT_EQ(decode_identity(version).error().code, Errc::unsupported);
}

}  // namespace

}  // namespace rb::test
