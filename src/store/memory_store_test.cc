#include "store/memory_store.h"

#include "support/store_conformance.h"

namespace rb::test {

namespace {

class MemoryHost final : public StoreHost {
 public:
  std::unique_ptr<Store> store_of(const std::string& user) override {
    stores_.push_back(std::make_unique<MemoryStore>(repository_, user));
    return std::make_unique<Shared>(*stores_.back());
  }
  void fence_all() override {
    for (const auto& store : stores_)
      store->fence_all();
  }

 private:
  // Lets the host reach the stores that it gave away.
  class Shared final : public Store {
   public:
    explicit Shared(MemoryStore& store) : store_(store) {}
    Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override {
      return store_.begin(request);
    }

   private:
    MemoryStore& store_;
  };
  std::shared_ptr<MemoryRepository> repository_ = make_memory_repository(small_chunk_params());
  std::vector<std::unique_ptr<MemoryStore>> stores_;
};

const StoreMaker kMemory{"memory", [] { return std::make_unique<MemoryHost>(); }};

}  // namespace

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, testing::Values(kMemory),
                         [](const auto& maker) { return maker.param.name; });

namespace {

TEST(MemoryStoreTest, CountsWhatSessionsDo) {
  MemoryStore store(make_memory_repository(small_chunk_params()), "ana");
  const auto session = store.begin({.run = make_run(1)});
  ASSERT_TRUE(session);
  const NamedObject chunk = make_chunk("c"), tree = make_tree("t", {chunk.id});
  const NamedObject snapshot = make_snapshot("s", tree.id);
  const Bytes data = make_block({chunk}), metadata = make_block({tree, snapshot});
  ASSERT_TRUE((*session)->ask(std::vector{chunk.id, tree.id}));
  ASSERT_TRUE((*session)->put(data));
  ASSERT_TRUE((*session)->put(metadata));
  ASSERT_TRUE((*session)->commit({.snapshot = snapshot.id}));
  ASSERT_TRUE(
      (*session)->read(std::vector{chunk.id}, Neighbours::welcome, [](ByteView) { return Status{}; }));
  const MemoryStoreStats stats = store.stats();
  EXPECT_EQ(stats.begins, 1u);
  EXPECT_EQ(stats.asks, 1u);
  EXPECT_EQ(stats.asked_ids, 2u);
  EXPECT_EQ(stats.blocks, 2u);
  EXPECT_EQ(stats.block_bytes, data.size() + metadata.size());
  EXPECT_EQ(stats.data_block_bytes, data.size());
  EXPECT_EQ(stats.commits, 1u);
  EXPECT_EQ(stats.reads, 1u);
}

TEST(MemoryStoreTest, FailsTheCallItWasToldToAndNoOther) {
  MemoryStore store(make_memory_repository(small_chunk_params()), "ana");
  const auto session = store.begin({.run = make_run(1)});
  ASSERT_TRUE(session);
  store.fail_after(1, Error(Errc::no_space, "full"));
  EXPECT_TRUE((*session)->flush());
  const Status failed = (*session)->flush();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::no_space);
  EXPECT_TRUE((*session)->flush());
}

TEST(MemoryStoreTest, AForgedChunkIsRefused) {
  MemoryStore store(make_memory_repository(small_chunk_params()), "ana");
  const auto session = store.begin({.run = make_run(1)});
  ASSERT_TRUE(session);
  NamedObject forged = make_chunk("x");
  forged.id.bytes[5] ^= 1;
  const Status put = (*session)->put(make_block({forged}));
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Errc::corrupt);
}

TEST(MemoryStoreTest, FencesOnlyTheSessionsOpenThen) {
  MemoryStore store(make_memory_repository(small_chunk_params()), "ana");
  const auto early = store.begin({.run = make_run(1)});
  store.fence_all();
  const auto late = store.begin({.run = make_run(2)});
  ASSERT_TRUE(early && late);
  EXPECT_FALSE((*early)->flush());
  EXPECT_TRUE((*late)->flush());
}

}  // namespace

}  // namespace rb::test
