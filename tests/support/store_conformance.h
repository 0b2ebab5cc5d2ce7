// What every Store promises, as one suite: include it in a test of a Store, and instantiate it with a way to
// make some.
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(StoreMaker{"memory", make}));
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <set>

#include <gtest/gtest.h>

#include "support/store_samples.h"

namespace rb::test {

// One repository, and stores on it. Destroyed after the stores and sessions made from it.
class StoreHost {
 public:
  virtual ~StoreHost() = default;
  // A store as this user's node sees it: the same name, the same node.
  virtual std::unique_ptr<Store> store_of(const std::string& user) = 0;
  // Fences all sessions that are open now.
  virtual void fence_all() = 0;
};

struct StoreMaker {
  std::string name;
  std::function<std::unique_ptr<StoreHost>()> make;
};
inline void PrintTo(const StoreMaker& maker, std::ostream* out) {
  *out << maker.name;
}

class StoreConformance : public testing::TestWithParam<StoreMaker> {
 protected:
  void SetUp() override {
    host_ = GetParam().make();
    ASSERT_NE(host_, nullptr);
    store_ = host_->store_of("ana");
    ASSERT_NE(store_, nullptr);
  }

  std::unique_ptr<Session> begin(Store& store, const BeginRequest& request) {
    auto session = store.begin(request);
    EXPECT_TRUE(session) << session.error().message;
    return session ? std::move(*session) : nullptr;
  }
  std::unique_ptr<Session> begin(std::uint8_t run) {
    return begin(*store_, BeginRequest{.run = make_run(run)});
  }

  static void put(Session& session, const std::vector<NamedObject>& objects) {
    const Status done = session.put(make_block(objects));
    ASSERT_TRUE(done) << done.error().message;
  }
  static void flush(Session& session) {
    const Status done = session.flush();
    ASSERT_TRUE(done) << done.error().message;
  }
  static std::vector<Presence> ask(Session& session, const std::vector<ObjectId>& ids) {
    auto answers = session.ask(ids);
    EXPECT_TRUE(answers) << answers.error().message;
    return answers ? *answers : std::vector<Presence>{};
  }
  static Presence ask_one(Session& session, const NamedObject& object) {
    const auto answers = ask(session, {object.id});
    return answers.size() == 1 ? answers.front() : Presence::wait;
  }
  // The error of putting this block, at once or when it is flushed.
  static Error error_of_put(Session& session, Bytes block) {
    if (const Status put = session.put(std::move(block)); !put) return put.error();
    const Status flushed = session.flush();
    EXPECT_FALSE(flushed) << "the block was taken";
    return flushed ? Error() : flushed.error();
  }
  // All objects of all blocks that a read of these gives.
  static Result<std::vector<NamedObject>> read(Session& session, const std::vector<ObjectId>& ids,
                                               std::size_t* blocks = nullptr) {
    std::vector<NamedObject> all;
    const Status done = session.read(ids, Neighbours::welcome, [&](ByteView block) -> Status {
      if (blocks != nullptr) ++*blocks;
      RB_TRY(std::vector<NamedObject> objects, unpack_block(block));
      std::move(objects.begin(), objects.end(), std::back_inserter(all));
      return {};
    });
    if (!done) return std::unexpected(done.error());
    return all;
  }
  static bool holds(const std::vector<NamedObject>& objects, const NamedObject& wanted) {
    return std::any_of(objects.begin(), objects.end(),
                       [&](const NamedObject& o) { return o.id == wanted.id && o.object == wanted.object; });
  }
  // Puts a small history of one commit; gives the snapshot's info.
  SnapshotInfo commit_something(Session& session, std::string_view text,
                                const std::optional<SnapshotId>& expected_head = std::nullopt) {
    const NamedObject chunk = make_chunk(text), tree = make_tree(text, {chunk.id});
    const NamedObject snapshot = make_snapshot(text, tree.id);
    put(session, {chunk});
    put(session, {tree, snapshot});
    auto result = session.commit({.snapshot = snapshot.id, .expected_head = expected_head});
    EXPECT_TRUE(result) << result.error().message;
    if (!result || !result->head) return {};
    EXPECT_TRUE(result->committed);
    return *result->head;
  }

  std::unique_ptr<StoreHost> host_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreConformance, ANewStoreHasNoHistory) {
  const auto session = begin(1);
  EXPECT_FALSE(session->info().head);
  EXPECT_FALSE(session->info().already_committed);
  EXPECT_FALSE(session->info().cache_holds);
  EXPECT_FALSE(session->info().base_held);
  EXPECT_TRUE(session->info().wanted.empty());
  EXPECT_FALSE(session->info().node.empty());
  EXPECT_TRUE(check_chunk_params(session->info().chunk_params));
  const auto history = session->snapshots({});
  ASSERT_TRUE(history);
  EXPECT_TRUE(history->empty());
}

TEST_P(StoreConformance, WhatWasPutAndFlushedIsThere) {
  const NamedObject chunk = make_chunk("some bytes"), tree = make_tree("t", {chunk.id});
  {
    const auto session = begin(1);
    put(*session, {chunk});
    put(*session, {tree});
    flush(*session);
    EXPECT_EQ(ask_one(*session, chunk), Presence::have);
    EXPECT_EQ(ask_one(*session, tree), Presence::have);
  }
  const auto later = begin(2);
  EXPECT_EQ(ask(*later, {chunk.id, make_chunk("other").id, tree.id}),
            (std::vector{Presence::have, Presence::send, Presence::have}));
  const auto objects = read(*later, {tree.id, chunk.id});
  ASSERT_TRUE(objects);
  EXPECT_TRUE(holds(*objects, chunk));
  EXPECT_TRUE(holds(*objects, tree));
}

TEST_P(StoreConformance, FlushOfNothingSucceeds) {
  EXPECT_TRUE(begin(1)->flush());
}

TEST_P(StoreConformance, ABlockIsReadOnceForAllItsObjects) {
  const NamedObject a = make_chunk("a"), b = make_chunk("b"), c = make_chunk("c");
  const auto session = begin(1);
  put(*session, {a, b});
  put(*session, {c});
  flush(*session);
  std::size_t blocks = 0;
  ASSERT_TRUE(read(*session, {a.id, b.id, a.id, c.id, b.id}, &blocks));
  EXPECT_EQ(blocks, 2u);
}

TEST_P(StoreConformance, ReadingAnUnknownIdGivesNoBlockAtAll) {
  const NamedObject a = make_chunk("a");
  const auto session = begin(1);
  put(*session, {a});
  flush(*session);
  std::size_t blocks = 0;
  const ObjectId unknown = make_chunk("unknown").id;
  const auto objects = read(*session, {a.id, unknown}, &blocks);
  ASSERT_FALSE(objects);
  EXPECT_EQ(objects.error().code, Errc::not_found);
  EXPECT_NE(objects.error().message.find(to_hex(unknown)), std::string::npos) << objects.error().message;
  EXPECT_EQ(blocks, 0u);
}

TEST_P(StoreConformance, AnErrorOfTheSinkEndsTheReading) {
  const NamedObject a = make_chunk("a"), b = make_chunk("b");
  const auto session = begin(1);
  put(*session, {a});
  put(*session, {b});
  flush(*session);
  int blocks = 0;
  const Status done = session->read(std::vector{a.id, b.id}, Neighbours::welcome, [&](ByteView) -> Status {
    ++blocks;
    return fail(Errc::cancelled, "enough");
  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::cancelled);
  EXPECT_EQ(blocks, 1);
}

TEST_P(StoreConformance, AnObjectWithoutItsReferencesIsRefusedAndTheyAreNamed) {
  const NamedObject chunk = make_chunk("missing"), tree = make_tree("t", {chunk.id});
  const Error error = error_of_put(*begin(1), make_block({tree}));
  EXPECT_EQ(error.code, Errc::missing_refs);
  EXPECT_NE(error.message.find(to_hex(chunk.id)), std::string::npos) << error.message;
  EXPECT_EQ(ask_one(*begin(2), tree), Presence::send);
}

TEST_P(StoreConformance, ABlockIsRefusedWhole) {
  const NamedObject chunk = make_chunk("here"), good = make_tree("good", {chunk.id});
  const NamedObject bad = make_tree("bad", {make_chunk("not here").id});
  {
    const auto session = begin(1);
    put(*session, {chunk});
    EXPECT_EQ(error_of_put(*session, make_block({good, bad})).code, Errc::missing_refs);
  }
  EXPECT_EQ(ask_one(*begin(2), good), Presence::send);
}

TEST_P(StoreConformance, ReferencesResolveWithinABlockAndAStream) {
  const NamedObject leaf = make_tree("leaf"), parent = make_tree("parent", {leaf.id});
  const NamedObject root = make_tree("root", {parent.id, leaf.id});
  const auto session = begin(1);
  put(*session, {leaf, parent});
  put(*session, {root});
  flush(*session);
  EXPECT_EQ(ask_one(*session, root), Presence::have);
}

TEST_P(StoreConformance, AReferenceToALaterObjectOfTheBlockIsRefused) {
  const NamedObject leaf = make_tree("leaf"), parent = make_tree("parent", {leaf.id});
  EXPECT_EQ(error_of_put(*begin(1), make_block({parent, leaf})).code, Errc::missing_refs);
}

TEST_P(StoreConformance, AReferenceOfTheWrongKindIsRefused) {
  const NamedObject tree = make_tree("t"), list = make_object(ObjectKind::chunk_list, "l", {tree.id});
  {
    const auto session = begin(1);
    put(*session, {tree});
    EXPECT_EQ(error_of_put(*session, make_block({list})).code, Errc::invalid_argument);
  }
  EXPECT_EQ(error_of_put(*begin(2), make_block({make_tree("t2"), make_object(ObjectKind::chunk_list, "l",
                                                                             {make_tree("t2").id})}))
                .code,
            Errc::invalid_argument);
}

TEST_P(StoreConformance, DamagedBlocksAreRefused) {
  const Bytes good = make_block({make_chunk("some bytes that matter")});
  for (std::size_t i = 0; i < good.size(); i += 7) {
    Bytes damaged = good;
    damaged[i] ^= 0x10;
    const auto session = begin(1);
    const Error error = error_of_put(*session, damaged);
    EXPECT_TRUE(error.code == Errc::corrupt || error.code == Errc::unsupported) << i << ": " << error.message;
  }
  EXPECT_FALSE(begin(1)->put(Bytes()));
  EXPECT_FALSE(begin(1)->put(Bytes(good.begin(), good.end() - 1)));
}

TEST_P(StoreConformance, MetadataWithAForgedIdIsRefused) {
  NamedObject forged = make_tree("t");
  forged.id.bytes[0] ^= 1;
  EXPECT_EQ(error_of_put(*begin(1), make_block({forged})).code, Errc::corrupt);
}

TEST_P(StoreConformance, DuplicatesAreHarmless) {
  const NamedObject a = make_chunk("a"), b = make_chunk("b"), tree = make_tree("t", {a.id, b.id});
  const auto session = begin(1);
  put(*session, {a});
  put(*session, {a});
  flush(*session);
  put(*session, {b, a});
  put(*session, {tree});
  put(*session, {tree});
  put(*session, {tree, make_tree("more", {tree.id})});
  flush(*session);
  EXPECT_EQ(ask(*session, {a.id, b.id, tree.id}), (std::vector(3, Presence::have)));
  const auto objects = read(*session, {a.id, b.id, tree.id});
  ASSERT_TRUE(objects);
  EXPECT_TRUE(holds(*objects, a) && holds(*objects, b) && holds(*objects, tree));
}

TEST_P(StoreConformance, AskingNothingGivesNothing) {
  EXPECT_TRUE(ask(*begin(1), {}).empty());
}

TEST_P(StoreConformance, TwoSessionsDoNotSendTheSame) {
  const NamedObject chunk = make_chunk("both want to send this");
  const auto one = begin(1), two = begin(2);
  EXPECT_EQ(ask_one(*one, chunk), Presence::send);
  EXPECT_EQ(ask_one(*two, chunk), Presence::wait);
  EXPECT_EQ(ask_one(*one, chunk), Presence::send)
      << "the one who claimed it may send it, however often it asks";
  put(*one, {chunk});
  flush(*one);
  EXPECT_EQ(ask_one(*two, chunk), Presence::have);
}

TEST_P(StoreConformance, AClaimEndsWithItsSession) {
  const NamedObject chunk = make_chunk("both want to send this");
  auto one = begin(1);
  const auto two = begin(2);
  EXPECT_EQ(ask_one(*one, chunk), Presence::send);
  EXPECT_EQ(ask_one(*two, chunk), Presence::wait);
  one.reset();
  EXPECT_EQ(ask_one(*two, chunk), Presence::send);
}

TEST_P(StoreConformance, SendingWhatAnotherClaimedIsHarmless) {
  const NamedObject chunk = make_chunk("both send this");
  const auto one = begin(1), two = begin(2);
  EXPECT_EQ(ask_one(*one, chunk), Presence::send);
  put(*two, {chunk});
  flush(*two);
  put(*one, {chunk});
  flush(*one);
  EXPECT_EQ(ask_one(*one, chunk), Presence::have);
}

TEST_P(StoreConformance, OnlyTheSoleSessionOfAnEmptyDomainNeedNotAsk) {
  {
    const auto alone = begin(1);
    EXPECT_TRUE(alone->info().dont_ask);
    EXPECT_FALSE(alone->must_ask());
    const auto other = host_->store_of("bob");
    ASSERT_NE(other, nullptr);
    const auto elsewhere = begin(*other, BeginRequest{.run = make_run(9)});
    EXPECT_FALSE(alone->must_ask()) << "another node's session changes nothing";
    const auto second = begin(2);
    EXPECT_FALSE(second->info().dont_ask);
    EXPECT_TRUE(second->must_ask());
    (void)alone->flush();  // over a network the news comes with an answer
    EXPECT_TRUE(alone->must_ask());
    put(*alone, {make_chunk("first")});
    flush(*alone);
  }
  const auto later = begin(3);
  EXPECT_FALSE(later->info().dont_ask);
  EXPECT_TRUE(later->must_ask());
}

TEST_P(StoreConformance, ACommitBecomesTheHead) {
  SnapshotInfo head;
  {
    const auto session = begin(1);
    head = commit_something(*session, "first");
    EXPECT_EQ(head.sequence, 1u);
    EXPECT_EQ(head.run, make_run(1));
    EXPECT_FALSE(head.id.is_zero());
  }
  const auto later = begin(2);
  EXPECT_EQ(later->info().head, head);
  const auto history = later->snapshots({});
  ASSERT_TRUE(history);
  EXPECT_EQ(*history, std::vector{head});
  EXPECT_TRUE(read(*later, {head.object}));
}

TEST_P(StoreConformance, ACommitOfAnUnknownSnapshotIsRefused) {
  const auto session = begin(1);
  const auto result = session->commit({.snapshot = make_snapshot("s", make_tree("t").id).id});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::missing_refs);
  EXPECT_FALSE(begin(2)->info().head);
}

TEST_P(StoreConformance, OnlyASnapshotCanBeCommitted) {
  const NamedObject tree = make_tree("t");
  const auto session = begin(1);
  put(*session, {tree});
  const auto result = session->commit({.snapshot = tree.id});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid_argument);
}

TEST_P(StoreConformance, ACommitFlushesWhatItNeeds) {
  const NamedObject tree = make_tree("t"), snapshot = make_snapshot("s", tree.id);
  const auto session = begin(1);
  put(*session, {tree, snapshot});
  const auto result = session->commit({.snapshot = snapshot.id});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->committed);
}

TEST_P(StoreConformance, TheLoserOfACommitGetsTheHeadThatWon) {
  const auto one = begin(1), two = begin(2);
  const SnapshotInfo won = commit_something(*one, "one");
  const NamedObject tree = make_tree("two"), snapshot = make_snapshot("two", tree.id);
  put(*two, {tree, snapshot});
  auto lost = two->commit({.snapshot = snapshot.id});
  ASSERT_TRUE(lost) << lost.error().message;
  EXPECT_FALSE(lost->committed);
  EXPECT_EQ(lost->head, won);

  const auto won_at_last = two->commit({.snapshot = snapshot.id, .expected_head = won.id});
  ASSERT_TRUE(won_at_last) << won_at_last.error().message;
  EXPECT_TRUE(won_at_last->committed);
  EXPECT_EQ(won_at_last->head->sequence, 2u);
}

TEST_P(StoreConformance, AnExpectedHeadThatNeverWasIsAConflict) {
  const auto session = begin(1);
  const NamedObject tree = make_tree("t"), snapshot = make_snapshot("s", tree.id);
  put(*session, {tree, snapshot});
  SnapshotId never;
  never.bytes.fill(7);
  const auto result = session->commit({.snapshot = snapshot.id, .expected_head = never});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(result->committed);
  EXPECT_FALSE(result->head);
}

TEST_P(StoreConformance, RepeatingACommitGivesTheFirstResult) {
  SnapshotInfo first;
  {
    const auto session = begin(1);
    first = commit_something(*session, "first");
    const auto again = session->commit({.snapshot = first.object});
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->committed);
    EXPECT_EQ(again->head, first);
  }
  { (void)commit_something(*begin(2), "second", first.id); }
  const auto same_run = begin(1);
  EXPECT_EQ(same_run->info().already_committed, first);
  const auto again = same_run->commit({.snapshot = first.object, .expected_head = first.id});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->committed);
  EXPECT_EQ(again->head, first);
  EXPECT_EQ(same_run->snapshots({})->size(), 2u);
}

TEST_P(StoreConformance, AFenceAfterACommitDoesNotHideIt) {
  const auto session = begin(1);
  const SnapshotInfo first = commit_something(*session, "first");
  host_->fence_all();
  const auto again = begin(1);
  EXPECT_EQ(again->info().already_committed, first);
}

TEST_P(StoreConformance, AFencedSessionAnswersFencedFromThenOn) {
  const NamedObject before = make_chunk("before"), after = make_chunk("after");
  const auto session = begin(1);
  put(*session, {before});
  flush(*session);
  host_->fence_all();
  const auto expect_fenced = [](const auto& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::fenced);
  };
  expect_fenced(session->ask(std::vector{before.id}));
  EXPECT_EQ(error_of_put(*session, make_block({after})).code, Errc::fenced);
  expect_fenced(session->flush());
  expect_fenced(session->commit({.snapshot = before.id}));
  expect_fenced(session->snapshots({}));
  expect_fenced(
      session->read(std::vector{before.id}, Neighbours::welcome, [](ByteView) { return Status{}; }));
  expect_fenced(session->status());

  const auto again = begin(1);
  EXPECT_EQ(ask(*again, {before.id, after.id}), (std::vector{Presence::have, Presence::send}));
}

TEST_P(StoreConformance, AClaimEndsWithAFence) {
  const NamedObject chunk = make_chunk("claimed");
  const auto one = begin(1);
  EXPECT_EQ(ask_one(*one, chunk), Presence::send);
  host_->fence_all();
  EXPECT_EQ(ask_one(*begin(2), chunk), Presence::send);
}

TEST_P(StoreConformance, BeginningARunAgainReplacesItsSession) {
  const auto lost = begin(1);
  const NamedObject chunk = make_chunk("claimed");
  EXPECT_EQ(ask_one(*lost, chunk), Presence::send);
  const auto again = begin(1);
  EXPECT_EQ(ask_one(*again, chunk), Presence::send) << "not kept waiting by its former self";
}

TEST_P(StoreConformance, ACachedTreeAndABaseAreConfirmed) {
  SnapshotInfo head;
  const NamedObject tree = make_tree("first", {make_chunk("first").id});
  { head = commit_something(*begin(1), "first"); }
  BeginRequest request{.run = make_run(2)};
  request.cached_tree = tree.id;
  request.base = head.id;
  {
    const auto session = begin(*store_, request);
    EXPECT_TRUE(session->info().cache_holds);
    EXPECT_TRUE(session->info().base_held);
  }
  request.cached_tree = make_tree("never").id;
  request.base->bytes[0] ^= 1;
  const auto session = begin(*store_, request);
  EXPECT_FALSE(session->info().cache_holds);
  EXPECT_FALSE(session->info().base_held);
}

TEST_P(StoreConformance, HistoryIsPagedNewestFirst) {
  std::vector<SnapshotInfo> all;
  for (std::uint8_t run = 1; run <= 5; ++run) {
    const auto session = begin(run);
    const auto expected = all.empty() ? std::nullopt : std::optional(all.front().id);
    all.insert(all.begin(), commit_something(*session, "run " + std::to_string(run), expected));
  }
  const auto session = begin(9);
  const auto first = session->snapshots({.limit = 2});
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, std::vector(all.begin(), all.begin() + 2));
  const auto rest = session->snapshots({.before_sequence = first->back().sequence, .limit = 10});
  ASSERT_TRUE(rest);
  EXPECT_EQ(*rest, std::vector(all.begin() + 2, all.end()));
  const auto none = session->snapshots({.before_sequence = all.back().sequence});
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  const auto status = session->status();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->snapshot_count, 5u);
  EXPECT_EQ(status->object_count, 15u);
  EXPECT_GT(status->stored_bytes, 0u);
  EXPECT_FALSE(status->read_only);
}

TEST_P(StoreConformance, NodesShareNothing) {
  const NamedObject chunk = make_chunk("private"), tree = make_tree("t", {chunk.id});
  const auto ana = begin(1);
  (void)commit_something(*ana, "private");
  const auto store = host_->store_of("bob");
  ASSERT_NE(store, nullptr);
  const auto bob = begin(*store, BeginRequest{.run = make_run(1)});
  EXPECT_NE(bob->info().node, ana->info().node);
  EXPECT_FALSE(bob->info().head);
  EXPECT_FALSE(bob->info().already_committed) << "a run id counts within its node";
  EXPECT_EQ(ask_one(*bob, chunk), Presence::send);
  EXPECT_TRUE(bob->snapshots({})->empty());
  const auto objects = read(*bob, {chunk.id});
  ASSERT_FALSE(objects);
  EXPECT_EQ(objects.error().code, Errc::not_found);
  EXPECT_EQ(error_of_put(*bob, make_block({tree})).code, Errc::missing_refs);
}

TEST_P(StoreConformance, TwoStoresOfOneUserAreOneNode) {
  const auto other = host_->store_of("ana");
  ASSERT_NE(other, nullptr);
  const SnapshotInfo head = commit_something(*begin(1), "x");
  EXPECT_EQ(begin(*other, BeginRequest{.run = make_run(2)})->info().head, head);
}

TEST_P(StoreConformance, AReadingSessionCannotWrite) {
  const auto session = begin(*store_, BeginRequest{.run = make_run(1), .purpose = SessionPurpose::read});
  EXPECT_EQ(error_of_put(*session, make_block({make_chunk("x")})).code, Errc::invalid_argument);
  const auto result = session->commit({.snapshot = make_chunk("x").id});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid_argument);
}

TEST_P(StoreConformance, ManyObjectsComeBackAsTheyWere) {
  std::vector<NamedObject> chunks;
  for (int i = 0; i < 500; ++i)
    chunks.push_back(make_chunk("chunk number " + std::to_string(i)));
  const auto session = begin(1);
  std::vector<ObjectId> ids;
  for (std::size_t i = 0; i < chunks.size(); i += 50) {
    put(*session, std::vector(chunks.begin() + static_cast<std::ptrdiff_t>(i),
                              chunks.begin() + static_cast<std::ptrdiff_t>(i + 50)));
  }
  for (const NamedObject& chunk : chunks)
    ids.push_back(chunk.id);
  put(*session, {make_tree("all", ids)});
  flush(*session);
  EXPECT_EQ(ask(*session, ids), std::vector(ids.size(), Presence::have));
  const auto objects = read(*session, ids);
  ASSERT_TRUE(objects);
  ASSERT_EQ(objects->size(), chunks.size());
  for (const NamedObject& chunk : chunks)
    EXPECT_TRUE(holds(*objects, chunk));
}

}  // namespace rb::test
