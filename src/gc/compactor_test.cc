#include "gc/compactor.h"

#include <gtest/gtest.h>

#include "base/fake_file_system.h"
#include "chunk/block_codec.h"
#include "repository/memory_catalog.h"
#include "support/store_samples.h"

namespace rb::test {

namespace {

constexpr char kDirectory[] = "/packs";
using Numbers = std::vector<std::uint64_t>;

std::unique_ptr<PackStore> open_store(FileSystem& fs) {
  auto opened = PackStore::open(fs, kDirectory, HashKey{}, RepositoryId{}, {.pack_bytes_max = 3000});
  EXPECT_TRUE(opened) << opened.error().message;
  return opened ? std::move(*opened) : nullptr;
}

NamedObject object_of(std::uint32_t domain, int number) {
  return make_chunk(std::string(40 + number % 50, static_cast<char>('a' + number % 26)) + " of domain " +
                    std::to_string(domain) + ", object " + std::to_string(number));
}

// Blocks of eight objects of two nodes in two domains; every third object lives, of every fourth block all
// do, of every fifth none.
struct CompactionScene {
  explicit CompactionScene(int blocks = 30) {
    EXPECT_TRUE(fs.create_directory(kDirectory) && fs.sync_directory("/"));
    store = open_store(fs);
    for (int block = 0; block < blocks; ++block)
      add_block(block);
    EXPECT_TRUE(store->sync());
    batch.packs = store->end();
    std::sort(batch.objects.begin(), batch.objects.end(), [](const auto& a, const auto& b) {
      return a.domain != b.domain ? a.domain < b.domain : a.id < b.id;
    });
    EXPECT_TRUE(catalog->apply(batch));
    persisted = log->batches.size();
  }

  void add_block(int block) {
    const PackRecordOwner owner{.node = 10u + block % 2, .domain = 1u + block % 2};
    BlockBuilder builder(BlockClass::data);
    std::vector<NamedObject> objects;
    for (int i = 0; i < 8; ++i) {
      objects.push_back(object_of(owner.domain, 8 * block + i));
      builder.add(objects.back().id, ObjectKind::chunk, {}, objects.back().object.payload);
    }
    const Bytes bytes = builder.finish();
    const auto at = store->append(owner, bytes);
    ASSERT_TRUE(at);
    batch.stored_bytes[owner.node] += bytes.size();
    CatalogPack row{.pack = at->pack};
    if (!batch.pack_rows.empty() && batch.pack_rows.back().pack == at->pack) {
      row = batch.pack_rows.back();
      batch.pack_rows.pop_back();
    }
    row.bytes[owner.node] += bytes.size();
    batch.pack_rows.push_back(row);
    for (std::uint32_t i = 0; i < 8; ++i) {
      if (block % 5 == 0 || (block % 4 != 0 && i % 3 != 0)) continue;
      CatalogObject object{.domain = owner.domain, .id = objects[i].id};
      object.row.number = static_cast<ObjectNumber>(8 * block) + i + 1;
      object.row.at = *at;
      object.row.index = i;
      object.row.share_bytes = static_cast<std::uint32_t>(bytes.size() / 8);
      batch.objects.push_back(object);
    }
  }

  UnlinkSteps steps() {
    return {.with_catalog_still = [](const std::function<Status()>& step) { return step(); },
            .stored_bytes_changed = [](auto) {},
            .persist = [this]() -> Status {
              persisted = log->batches.size();
              return {};
            }};
  }

  FakeFileSystem fs;
  std::unique_ptr<PackStore> store;
  CatalogBatch batch;
  std::shared_ptr<MemoryCatalogLog> log = std::make_shared<MemoryCatalogLog>();
  std::unique_ptr<MemoryCatalog> catalog = std::make_unique<MemoryCatalog>(log);
  std::size_t persisted = 0;  // batches of the log that no crash takes back
};

// What the sweeper would count.
PackUsage usage_of(Catalog& catalog) {
  PackUsage usage;
  for (const std::uint32_t domain : {1, 2}) {
    EXPECT_TRUE(
        catalog.visit_objects(domain, std::nullopt, SIZE_MAX, [&](const ObjectId&, const ObjectRow& row) {
          usage.count(row);
          return Status{};
        }));
  }
  return usage;
}

struct Outcome {
  CompactionReport compacted;
  UnlinkReport unlinked;
};

// Empties every pack that may go, and unlinks those and the unused ones.
Result<Outcome> collect(Catalog& catalog, PackStore& packs, const UnlinkSteps& steps,
                        std::size_t relocate_rows = 65536) {
  const std::atomic<bool> cancelled = false;
  const CompactionOptions options{.dead_share = 0.0, .pack_bytes_max = 2000, .relocate_rows = relocate_rows};
  const PackUsage usage = usage_of(catalog);
  Numbers unused, sealed = packs.sealed_packs();
  std::erase_if(sealed, [&](std::uint64_t pack) {
    return *packs.writer(pack) == PackWriter::collector && usage.of(pack).rows > 0;
  });
  for (const std::uint64_t pack : sealed) {
    if (usage.of(pack).rows == 0) unused.push_back(pack);
  }
  RB_TRY(const Numbers planned, plan_compaction(catalog, packs, usage, sealed, options));
  Outcome outcome;
  RB_TRY(outcome.compacted, run_compaction(catalog, packs, steps, usage, planned, options, cancelled));
  unused.insert(unused.end(), outcome.compacted.emptied.begin(), outcome.compacted.emptied.end());
  RB_TRY(outcome.unlinked, unlink_packs(catalog, packs, steps, unused));
  return outcome;
}

// Every object that lives is where its row says.
void expect_all_readable(const CompactionScene& scene, Catalog& catalog, PackStore& packs) {
  BlockReader reader;
  for (const CatalogObject& object : scene.batch.objects) {
    const auto rows = catalog.find(object.domain, std::span(&object.id, 1));
    ASSERT_TRUE(rows && (*rows)[0]);
    const ObjectRow& row = *(*rows)[0];
    EXPECT_EQ(row.number, object.row.number);
    const auto record = packs.read(row.at);
    ASSERT_TRUE(record) << record.error().message;
    EXPECT_EQ(record->owner.domain, object.domain);
    ASSERT_TRUE(reader.open(record->block));
    ASSERT_LT(row.index, reader.size());
    EXPECT_EQ(reader.item(row.index).object->id, object.id);
    EXPECT_TRUE(reader.verify(row.index));
  }
}

std::uint64_t sum(const std::map<std::uint32_t, std::uint64_t>& numbers) {
  std::uint64_t total = 0;
  for (const auto& [key, number] : numbers)
    total += number;
  return total;
}

TEST(CompactorTest, MovesWhatLivesAndGivesTheRestBack) {
  CompactionScene scene;
  const Numbers before = scene.store->packs();
  const std::uint64_t stored_before = scene.store->stored_bytes();
  const auto outcome = collect(*scene.catalog, *scene.store, scene.steps(), 7);
  ASSERT_TRUE(outcome) << outcome.error().message;
  expect_all_readable(scene, *scene.catalog, *scene.store);
  EXPECT_EQ(outcome->unlinked.packs_unlinked, before.size() - 1);  // all but the open one
  EXPECT_LT(scene.store->stored_bytes(), stored_before);
  EXPECT_GT(outcome->compacted.bytes_copied, 0u);
  // The rows of packs, and what nodes have stored, are those of the packs that are there.
  std::map<std::uint32_t, std::uint64_t> of_packs;
  const auto rows = scene.catalog->pack_rows();
  for (const CatalogPack& pack : *rows) {
    EXPECT_EQ(pack.writer == PackWriter::collector, pack.pack > before.back());
    for (const auto& [node, bytes] : pack.bytes)
      of_packs[node] += bytes;
  }
  EXPECT_EQ(*scene.catalog->stored_bytes(), of_packs);
  EXPECT_EQ(*scene.catalog->packs(), scene.store->packs());
  // Parts of rows add up to about what is stored.
  std::uint64_t shares = 0;
  const PackUsage usage = usage_of(*scene.catalog);
  for (const auto& [pack, use] : usage.packs())
    shares += use.bytes;
  EXPECT_LE(shares, sum(of_packs));
}

TEST(CompactorTest, LeavesWhatMovedMeanwhile) {
  CompactionScene scene;
  const std::atomic<bool> cancelled = false;
  const PackUsage usage = usage_of(*scene.catalog);
  CatalogObject moved = scene.batch.objects[0];
  const std::uint64_t from = moved.row.at.pack;
  UnlinkSteps steps = scene.steps();
  bool is_first = true;
  steps.with_catalog_still = [&](const std::function<Status()>& step) -> Status {
    // A good copy came in between, in the pack that is open.
    moved.row.at = {.pack = scene.store->end().pack, .offset = 80};
    if (is_first) RB_TRY(scene.catalog->apply({.objects = {moved}}));
    is_first = false;
    return step();
  };
  const auto report =
      run_compaction(*scene.catalog, *scene.store, steps, usage, Numbers{from}, {}, cancelled);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->emptied.empty());  // for one of its rows is not accounted for
  const auto row = scene.catalog->find(moved.domain, std::span(&moved.id, 1));
  EXPECT_EQ((*row)[0], moved.row);
}

TEST(CompactorTest, ADamagedRecordStaysAndSoDoesItsPack) {
  CompactionScene scene;
  const ObjectRow damaged = scene.batch.objects[0].row;
  const std::string path = scene.store->path(damaged.at.pack);
  scene.fs.zero(path, damaged.at.offset, 100);
  const auto outcome = collect(*scene.catalog, *scene.store, scene.steps());
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_TRUE(scene.fs.contents(path));
  const ObjectId& id = scene.batch.objects[0].id;
  EXPECT_EQ((*scene.catalog->find(scene.batch.objects[0].domain, std::span(&id, 1)))[0], damaged);
}

TEST(CompactorTest, PlansTheSparsestWithinTheBudget) {
  CompactionScene scene(100);
  const Numbers sealed = scene.store->sealed_packs();
  ASSERT_GE(sealed.size(), 8u);
  PackUsage usage;
  const auto use = [&](std::uint64_t pack, double share) {
    const auto rows = scene.catalog->pack_rows();
    const auto row = std::find_if(rows->begin(), rows->end(), [&](const auto& r) { return r.pack == pack; });
    const auto size = static_cast<double>(sum(row->bytes));
    usage.count({.number = 1, .at = {.pack = pack}, .share_bytes = static_cast<std::uint32_t>(share * size)});
  };
  use(sealed[0], 0.6);
  use(sealed[1], 0.2);
  use(sealed[2], 0.95);
  const auto plan = [&](const CompactionOptions& options) {
    return *plan_compaction(*scene.catalog, *scene.store, usage, sealed, options);
  };
  EXPECT_EQ(plan({.pack_bytes_max = 3000}), (Numbers{sealed[1], sealed[0]}));
  EXPECT_EQ(plan({.dead_share = 0.5, .pack_bytes_max = 3000}), Numbers{sealed[1]});
  EXPECT_EQ(plan({.copy_bytes_max = 1000, .pack_bytes_max = 3000}), Numbers{sealed[1]});
  // Small ones are joined when there are enough of them.
  EXPECT_EQ(plan({.pack_bytes_max = 1 << 20}), (Numbers{sealed[1], sealed[0]}));
  for (std::size_t i = 3; i < 8; ++i)
    use(sealed[i], 0.9);
  EXPECT_EQ(plan({.pack_bytes_max = 1 << 20}).size(), 8u);
  EXPECT_EQ(plan({.pack_bytes_max = 3000}).size(), 2u);
}

// Whatever a crash leaves of catalog and disk: all that lives can be read, and the next collection does the
// rest.
TEST(CompactorTest, NoCrashLosesAnObject) {
  for (std::uint64_t operations = 0;; operations += 1 + operations / 8) {
    CompactionScene scene;
    scene.fs.crash_after(operations);
    const bool done = collect(*scene.catalog, *scene.store, scene.steps(), 20).has_value();
    for (std::size_t left = scene.persisted; left <= scene.log->batches.size(); ++left) {
      for (const Survival survival : {Survival::none, Survival::some}) {
        const auto cut = std::make_shared<MemoryCatalogLog>(*scene.log);
        cut->batches.resize(left);
        MemoryCatalog catalog(cut);
        const auto disk = scene.fs.survivor(survival, operations);
        const auto store = open_store(*disk);
        ASSERT_NE(store, nullptr);
        expect_all_readable(scene, catalog, *store);
        const auto again = collect(catalog, *store, scene.steps());
        ASSERT_TRUE(again) << again.error().message;
        expect_all_readable(scene, catalog, *store);
        const Numbers needed = *catalog.packs(), present = store->packs();
        EXPECT_TRUE(std::includes(present.begin(), present.end(), needed.begin(), needed.end()));
      }
    }
    if (done) break;
    ASSERT_LT(operations, 5000u);
  }
}

}  // namespace

}  // namespace rb::test
