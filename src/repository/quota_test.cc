// What nodes take, and how far they may go.
#include <algorithm>

#include "repository/snapshot_reader.h"
#include "support/registry_fixture.h"

namespace rb::test {

namespace {

std::string noise(std::size_t size, std::uint32_t seed) {
  std::string text(size, '\0');
  for (char& c : text) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return text;
}

class QuotaTest : public RegistryFixture {
 protected:
  void set_quota(const Quota& quota) {
    options_.default_quota = quota;
    open();
  }
  static NamedObject snapshot_of(const std::vector<std::uint64_t>& source_bytes, const ObjectId& root) {
    Snapshot snapshot{.root = root};
    for (const std::uint64_t bytes : source_bytes) {
      snapshot.sources.push_back({.path = "/" + std::to_string(snapshot.sources.size()), .bytes = bytes});
    }
    NamedObject named;
    named.object = encode_snapshot(snapshot);
    named.id = object_id(named.object);
    return named;
  }
  Result<CommitResult> commit_of_size(Session& session, const std::vector<std::uint64_t>& source_bytes) {
    const NamedObject tree = make_tree("tree"), snapshot = snapshot_of(source_bytes, tree.id);
    RB_TRY(session.put(make_block({tree, snapshot})));
    return try_commit(session, snapshot);
  }
};

TEST_F(QuotaTest, WhatEachNodeStoredIsKnownAlsoWithoutTheCatalog) {
  const Credential one = join("one"), two = join("two");
  const Bytes small = make_block({make_chunk("small")}), large = make_block({make_chunk(noise(5000, 1))});
  {
    const auto first = begin(one), second = begin(two);
    ASSERT_TRUE(first->put(small) && first->put(large) && first->put(small));
    ASSERT_TRUE(second->put(large));
    EXPECT_EQ(overview("one")->stored_bytes, small.size() + large.size()) << "what it has already is dropped";
    ASSERT_TRUE(first->flush() && second->flush());
  }
  for (const bool rebuilt : {false, true, false}) {
    rebuilt ? open_without_catalog() : open();
    EXPECT_EQ(overview("one")->stored_bytes, small.size() + large.size());
    EXPECT_EQ(overview("two")->stored_bytes, large.size());
    EXPECT_EQ(begin(two)->status()->node_stored_bytes, large.size());
  }
}

TEST_F(QuotaTest, TheStoredQuotaHolds) {
  const Bytes first = make_block({make_chunk(noise(3000, 1))}),
              second = make_block({make_chunk(noise(3000, 2))});
  set_quota({.stored_bytes = first.size() + 1000});
  const auto session = begin(join("printer"));
  ASSERT_TRUE(session->put(first));
  ASSERT_TRUE(session->flush());
  EXPECT_TRUE(refused(session->put(second), Errc::no_space,
                      "the quota of node \"printer\" is used up: " + std::to_string(first.size()) + " of "));
  EXPECT_TRUE(session->put(first)) << "what is there costs nothing";
  const auto status = session->status();
  EXPECT_EQ(status->node_stored_bytes, first.size());
  EXPECT_EQ(status->quota_stored_bytes, first.size() + 1000);
  EXPECT_EQ(session->ask(std::vector{make_chunk(noise(3000, 1)).id})->front(), Presence::have)
      << "nothing that was acknowledged is lost";
}

TEST_F(QuotaTest, OneNodesQuotaIsNotAnothers) {
  options_.node_quotas = {{"small", {.stored_bytes = 100}}};
  set_quota({.stored_bytes = 100'000});
  const Bytes block = make_block({make_chunk(noise(3000, 1))});
  EXPECT_EQ(begin(join("small"))->put(block).error().code, Errc::no_space);
  EXPECT_TRUE(begin(join("large"))->put(block));
}

TEST_F(QuotaTest, QuotasGoByTheNameANodeHasNow) {
  options_.node_quotas = {{"small", {.stored_bytes = 100}}};
  open();
  const Credential credential = join("large");
  ASSERT_TRUE(registry().rename("large", "small"));
  EXPECT_EQ(begin(credential)->put(make_block({make_chunk(noise(3000, 1))})).error().code, Errc::no_space);
}

TEST_F(QuotaTest, QuotasChangeForSessionsToCome) {
  const Credential credential = join("printer");
  const auto before = begin(credential);
  repository_->set_quotas({}, {{"printer", {.stored_bytes = 100}}});
  EXPECT_TRUE(before->put(make_block({make_chunk(noise(3000, 1))})));
  EXPECT_EQ(begin(credential)->put(make_block({make_chunk(noise(3000, 2))})).error().code, Errc::no_space);
  repository_->set_quotas({}, {});
  EXPECT_TRUE(begin(credential)->put(make_block({make_chunk(noise(3000, 2))})));
}

TEST_F(QuotaTest, TheStateCountsAllNodes) {
  const Bytes block = make_block({make_chunk(noise(3000, 1)), make_chunk("small")});
  ASSERT_TRUE(begin(join("one"))->put(block));
  ASSERT_TRUE(begin(join("two"))->put(block));
  const RepositoryState state = repository_->state();
  EXPECT_EQ(state.object_count, 4u);
  EXPECT_GE(state.stored_bytes, 2 * block.size());
  EXPECT_EQ(state.read_only_reason, "");
}

TEST_F(QuotaTest, TheLogicalQuotaHoldsAtTheCommit) {
  set_quota({.logical_bytes = 1000});
  const Credential credential = join("printer");
  std::optional<SnapshotInfo> head;
  {
    const auto session = begin(credential);
    const auto committed = commit_of_size(*session, {400, 600});
    ASSERT_TRUE(committed) << committed.error().message;
    head = committed->head;
    EXPECT_EQ(session->status()->node_logical_bytes, 1000u);
    EXPECT_EQ(session->status()->quota_logical_bytes, 1000u);
  }
  EXPECT_EQ(overview("printer")->logical_bytes, 1000u);
  const auto session = begin(credential, 2);
  EXPECT_TRUE(refused(commit_of_size(*session, {400, 601}), Errc::no_space, "1001 of 1000 bytes"));
  EXPECT_TRUE(refused(commit_of_size(*session, {UINT64_MAX, 2}), Errc::no_space, "used up"));
  EXPECT_EQ(begin(credential, 3)->info().head, head) << "the head stays";
  EXPECT_TRUE(commit_of_size(*session, {999})) << "the run may still end well";
  EXPECT_EQ(overview("printer")->logical_bytes, 999u);
}

TEST_F(QuotaTest, NestedSourcesCountOnce) {
  Snapshot snapshot;
  const auto add = [&](const char* path, std::uint64_t bytes, bool recursive) {
    snapshot.sources.push_back({.path = path, .recursive = recursive, .bytes = bytes});
  };
  add("/etc", 1, false);
  add("/etc/ssl", 10, true);
  add("/home", 100, true);
  add("/home-old", 1000, true);
  add("/home/ana/docs", 100'000, true);
  EXPECT_EQ(logical_bytes_of(snapshot), 1111u);
  add("/", 7, true);
  EXPECT_EQ(logical_bytes_of(snapshot), 7u);
}

TEST_F(QuotaTest, ARepeatedCommitIsAnsweredWhateverTheQuota) {
  const Credential credential = join("printer");
  {
    const auto session = begin(credential);
    ASSERT_TRUE(commit_of_size(*session, {5000}));
  }
  set_quota({.logical_bytes = 1000});
  const auto session = begin(credential);
  const auto again = session->commit({.snapshot = make_chunk("anything").id});
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->committed);
}

TEST_F(QuotaTest, ASnapshotThatIsNoneHidesNothing) {
  const auto session = begin(join("printer"));
  (void)commit(*session, "its payload is no snapshot");
  EXPECT_EQ(session->status()->node_logical_bytes, 0u);
  EXPECT_EQ(overview("printer")->logical_bytes, 0u);
}

TEST_F(QuotaTest, ANodeHasItsShareOfTheSessions) {
  options_.max_sessions_per_node = 2;
  options_.max_sessions = 3;
  open();
  const Caller one = caller(join("one")), two = caller(join("two"));
  const auto first = begin(one, 1), second = begin(one, 2);
  EXPECT_TRUE(refused(store_of(one)->begin({.run = make_run(3)}), Errc::busy, "the node \"one\""));
  const auto third = begin(two, 1);
  EXPECT_TRUE(refused(store_of(two)->begin({.run = make_run(2)}), Errc::busy, "as many sessions as allowed"));
}

}  // namespace

}  // namespace rb::test
