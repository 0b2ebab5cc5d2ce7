#include "store/object_reader.h"

#include <gtest/gtest.h>

#include "store/memory_store.h"
#include "support/store_samples.h"

namespace rb::test {

namespace {

class ObjectReaderTest : public testing::Test {
 protected:
  ObjectReaderTest() : store_(make_memory_repository(small_chunk_params()), "ana") {
    session_ = std::move(*store_.begin({.run = make_run(1)}));
  }
  void put(const std::vector<NamedObject>& objects) { ASSERT_TRUE(session_->put(make_block(objects))); }
  std::uint64_t reads() const { return store_.stats().reads; }

  MemoryStore store_;
  std::unique_ptr<Session> session_;
};

TEST_F(ObjectReaderTest, LoadsWhatWasStored) {
  const NamedObject chunk = make_chunk("c"), tree = make_tree("t", {chunk.id});
  put({chunk});
  put({tree});
  ObjectReader reader(*session_);
  EXPECT_EQ(**reader.load(chunk.id), chunk.object);
  EXPECT_EQ(**reader.load(tree.id), tree.object);
}

TEST_F(ObjectReaderTest, AnUnknownObjectIsNotFound) {
  ObjectReader reader(*session_);
  const auto loaded = reader.load(make_chunk("nowhere").id);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::not_found);
}

TEST_F(ObjectReaderTest, NeighboursInABlockCostNoFurtherRead) {
  const NamedObject a = make_tree("a"), b = make_tree("b"), c = make_tree("c");
  put({a, b, c});
  ObjectReader reader(*session_);
  ASSERT_TRUE(reader.load(b.id));
  ASSERT_TRUE(reader.load(a.id));
  ASSERT_TRUE(reader.load(c.id));
  ASSERT_TRUE(reader.load(b.id));
  EXPECT_EQ(reads(), 1u);
}

TEST_F(ObjectReaderTest, PrefetchFetchesTogether) {
  const NamedObject a = make_chunk("a"), b = make_chunk("b");
  put({a});
  put({b});
  ObjectReader reader(*session_);
  reader.prefetch(std::vector{a.id, b.id}, Neighbours::welcome);
  EXPECT_EQ(**reader.load(a.id), a.object);
  EXPECT_EQ(**reader.load(b.id), b.object);
  EXPECT_EQ(reads(), 1u);
}

TEST_F(ObjectReaderTest, AFailedPrefetchShowsAtLoad) {
  const NamedObject a = make_chunk("a");
  put({a});
  ObjectReader reader(*session_);
  const ObjectId unknown = make_chunk("nowhere").id;
  reader.prefetch(std::vector{a.id, unknown}, Neighbours::welcome);
  EXPECT_TRUE(reader.load(a.id));
  EXPECT_FALSE(reader.load(unknown));
}

TEST_F(ObjectReaderTest, TheCacheIsBounded) {
  std::vector<NamedObject> trees;
  for (int i = 0; i < 20; ++i) {
    trees.push_back(make_tree(std::string(1000, static_cast<char>('a' + i))));
    put({trees.back()});
  }
  ObjectReader reader(*session_, 3000);
  for (const NamedObject& tree : trees)
    ASSERT_TRUE(reader.load(tree.id));
  ASSERT_TRUE(reader.load(trees.back().id));
  EXPECT_EQ(reads(), 20u) << "the last one is still there";
  ASSERT_TRUE(reader.load(trees.front().id));
  EXPECT_EQ(reads(), 21u) << "the first one is not";
}

TEST_F(ObjectReaderTest, AnObjectLargerThanTheCacheIsLoaded) {
  const NamedObject large = make_tree(std::string(10000, 'x'));
  put({large});
  ObjectReader reader(*session_, 100);
  EXPECT_EQ(**reader.load(large.id), large.object);
}

// A session whose answers are not what was asked for.
class LyingSession final : public Session {
 public:
  explicit LyingSession(Bytes block) : block_(std::move(block)) {}
  const SessionInfo& info() const override { return info_; }
  bool must_ask() const override { return true; }
  Result<std::vector<Presence>> ask(std::span<const ObjectId>) override { return std::vector<Presence>{}; }
  Status put(Bytes) override { return {}; }
  Status flush() override { return {}; }
  Result<CommitResult> commit(const CommitRequest&) override { return CommitResult{}; }
  Status read(std::span<const ObjectId>, Neighbours, const BlockSink& sink) override { return sink(block_); }
  Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery&) override {
    return std::vector<SnapshotInfo>{};
  }
  Result<StoreStatus> status() override { return StoreStatus{}; }

 private:
  Bytes block_;
  SessionInfo info_;
};

TEST(ObjectReaderLiesTest, AnotherObjectIsNotTakenForTheWantedOne) {
  LyingSession session(make_block({make_tree("other")}));
  ObjectReader reader(session);
  const auto loaded = reader.load(make_tree("wanted").id);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::protocol);
}

TEST(ObjectReaderLiesTest, AForgedObjectIsCorrupt) {
  NamedObject forged = make_tree("forged");
  forged.id = make_tree("wanted").id;
  LyingSession session(make_block({forged}));
  ObjectReader reader(session);
  const auto loaded = reader.load(forged.id);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Errc::corrupt);
}

}  // namespace

}  // namespace rb::test
