#include "backup/chunk_list_builder.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"

namespace rb::test {
namespace {

// Keeps what is put.
class Collector final : public ObjectSink {
 public:
  Status put_named(const ObjectId& id, Object object) override {
    objects.emplace(id, std::move(object));
    return {};
  }
  std::map<ObjectId, Object> objects;
};

ObjectId chunk(int number) {
  return ObjectId::from(hash(as_bytes("chunk " + std::to_string(number))).view());
}

ChunkListBuilder::Content build(Collector& collector, int begin, int end, int hole_every = 0) {
  ChunkListBuilder builder(collector);
  for (int i = begin; i < end; ++i) {
    EXPECT_TRUE(builder.add_chunk(1000, chunk(i)));
    if (hole_every > 0 && i % hole_every == 0) {
      EXPECT_TRUE(builder.add_hole(50'000));
    }
  }
  const auto content = builder.finish();
  EXPECT_TRUE(content);
  return *content;
}

// The chunks of a list in order, holes as zero ids.
void flatten(const Collector& collector, const ObjectId& id, std::vector<ObjectId>& out,
             std::uint64_t& size) {
  const Object& object = collector.objects.at(id);
  const auto page = decode_chunk_list(object.refs, object.payload);
  ASSERT_TRUE(page) << page.error().message;
  for (const ChunkListItem& item : page->items) {
    if (page->level > 0) {
      const std::uint64_t before = size;
      flatten(collector, *item.id, out, size);
      EXPECT_EQ(size - before, item.length) << "a subtotal";
    } else {
      out.push_back(item.id.value_or(ObjectId{}));
      size += item.length;
    }
  }
}

TEST(ChunkListBuilder, NothingAndOneChunkNeedNoList) {
  Collector collector;
  EXPECT_EQ(build(collector, 0, 0).kind, ContentKind::none);
  const auto one = build(collector, 7, 8);
  EXPECT_EQ(one.kind, ContentKind::chunk);
  EXPECT_EQ(one.id, chunk(7));
  EXPECT_EQ(one.size, 1000u);
  EXPECT_TRUE(collector.objects.empty());
}

TEST(ChunkListBuilder, AFileThatIsOneHoleIsAList) {
  Collector collector;
  ChunkListBuilder builder(collector);
  ASSERT_TRUE(builder.add_hole(1ull << 40));
  ASSERT_TRUE(builder.add_hole(1ull << 40));
  const auto content = builder.finish();
  ASSERT_TRUE(content);
  EXPECT_EQ(content->kind, ContentKind::chunk_list);
  EXPECT_EQ(content->size, 2ull << 40);
  std::vector<ObjectId> chunks;
  std::uint64_t size = 0;
  flatten(collector, content->id, chunks, size);
  EXPECT_EQ(chunks, std::vector<ObjectId>{ObjectId{}}) << "one hole, not two";
  EXPECT_EQ(size, content->size);
}

TEST(ChunkListBuilder, AllChunksAreThereInOrderAtAnyCount) {
  for (const int count : {2, 7, 8, 9, 100, 129, 1000, 5000, 40000}) {
    for (const int hole_every : {0, 3}) {
      Collector collector;
      const auto content = build(collector, 0, count, hole_every);
      EXPECT_EQ(content.kind, ContentKind::chunk_list);
      std::vector<ObjectId> expected, chunks;
      for (int i = 0; i < count; ++i) {
        expected.push_back(chunk(i));
        if (hole_every > 0 && i % hole_every == 0) expected.push_back(ObjectId{});
      }
      std::uint64_t size = 0;
      flatten(collector, content.id, chunks, size);
      EXPECT_EQ(chunks, expected) << count;
      EXPECT_EQ(size, content.size);
    }
  }
}

TEST(ChunkListBuilder, AppendingAndInsertingChangeFewPages) {
  Collector before;
  build(before, 0, 40000);
  for (const auto& [begin, end] : {std::pair{0, 40010}, std::pair{-3, 40000}}) {
    Collector after;
    build(after, begin, end);
    std::size_t fresh = 0, bytes = 0;
    for (const auto& [id, object] : after.objects) {
      if (before.objects.contains(id)) continue;
      ++fresh;
      bytes += object.payload.size() + object.refs.size() * 32;
    }
    EXPECT_LE(fresh, 4u);
    EXPECT_LT(bytes, 100'000u);
  }
}

}  // namespace
}  // namespace rb::test
