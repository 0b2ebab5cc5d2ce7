#include "gc/unlinker.h"

#include <gtest/gtest.h>

#include "base/fake_file_system.h"
#include "repository/memory_catalog.h"
#include "support/store_samples.h"

namespace rb::test {

namespace {

constexpr char kUnlinkDirectory[] = "/packs";
constexpr std::uint64_t kPacks = 6;
using Numbers = std::vector<std::uint64_t>;

std::unique_ptr<PackStore> open_full_packs(FileSystem& fs) {
  // A pack is full with its first record.
  auto opened = PackStore::open(fs, kUnlinkDirectory, HashKey{}, RepositoryId{}, {.pack_bytes_max = 1});
  EXPECT_TRUE(opened) << opened.error().message;
  return opened ? std::move(*opened) : nullptr;
}

// Six packs with an object each, of which those in 2 and 4 have rows.
struct UnlinkScene {
  UnlinkScene() {
    EXPECT_TRUE(fs.create_directory(kUnlinkDirectory) && fs.sync_directory("/"));
    store = open_full_packs(fs);
    CatalogBatch batch;
    for (std::uint32_t i = 1; i <= kPacks; ++i) {
      const auto at = store->append({.node = 1 + i % 2, .domain = 1}, Bytes(100 * i, 7));
      EXPECT_TRUE(at);
      batch.pack_rows.push_back({.pack = i, .bytes = {{1 + i % 2, 100 * i}}});
      batch.stored_bytes[1 + i % 2] += 100 * i;
      if (i != 2 && i != 4) continue;
      batch.objects.push_back({.domain = 1, .id = make_chunk(std::to_string(i)).id});
      batch.objects.back().row = {.number = i, .at = *at};
    }
    EXPECT_TRUE(store->sync());
    batch.packs = store->end();
    std::sort(batch.objects.begin(), batch.objects.end(), [](auto& a, auto& b) { return a.id < b.id; });
    EXPECT_TRUE(catalog->apply(batch));
    persisted = log->batches.size();
  }

  UnlinkSteps steps() {
    return {.with_catalog_still = [](const std::function<Status()>& step) { return step(); },
            .stored_bytes_changed = [this](auto stored) { told = std::move(stored); },
            .persist = [this]() -> Status {
              if (persist_fails) return fail(Errc::no_space, "refused");
              persisted = log->batches.size();
              return {};
            }};
  }

  FakeFileSystem fs;
  std::unique_ptr<PackStore> store;
  std::shared_ptr<MemoryCatalogLog> log = std::make_shared<MemoryCatalogLog>();
  std::unique_ptr<MemoryCatalog> catalog = std::make_unique<MemoryCatalog>(log);
  std::size_t persisted = 0;  // batches of the log that no crash takes back
  bool persist_fails = false;
  std::map<std::uint32_t, std::uint64_t> told;
};

TEST(UnlinkerTest, UnlinksWhatIsUnusedAndTakesItOff) {
  UnlinkScene scene;
  const auto report = unlink_packs(*scene.catalog, *scene.store, scene.steps(), Numbers{5, 1, 3, 1});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->packs_unlinked, 3u);
  EXPECT_GT(report->bytes_freed, 900u);
  EXPECT_EQ(scene.store->packs(), (Numbers{2, 4, 6}));
  EXPECT_EQ(*scene.catalog->packs(), (Numbers{2, 4, 6}));
  EXPECT_EQ(*scene.catalog->stored_bytes(), (std::map<std::uint32_t, std::uint64_t>{{1, 1200}, {2, 0}}));
  EXPECT_EQ(scene.told, *scene.catalog->stored_bytes());
}

TEST(UnlinkerTest, LeavesWhatCannotGoYet) {
  UnlinkScene scene;
  // The open one, which is the highest; one that is not there.
  const auto report = unlink_packs(*scene.catalog, *scene.store, scene.steps(), Numbers{6, 99});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->packs_unlinked, 0u);
  // The tail from pack 3 on would be replayed, and might give rows.
  ASSERT_TRUE(scene.catalog->apply({.packs = PackPosition{.pack = 3, .offset = 100}}));
  ASSERT_TRUE(unlink_packs(*scene.catalog, *scene.store, scene.steps(), Numbers{1, 3, 5}));
  EXPECT_EQ(scene.store->packs(), (Numbers{2, 3, 4, 5, 6}));
}

TEST(UnlinkerTest, UnlinksNothingBeforeTheCatalogIsOnDisk) {
  UnlinkScene scene;
  scene.persist_fails = true;
  EXPECT_EQ(unlink_packs(*scene.catalog, *scene.store, scene.steps(), Numbers{1}).error().code,
            Errc::no_space);
  EXPECT_EQ(scene.store->packs().size(), kPacks);
  scene.persist_fails = false;
  EXPECT_TRUE(unlink_packs(*scene.catalog, *scene.store, scene.steps(), Numbers{1}));
  EXPECT_EQ(scene.store->packs().front(), 2u);
  // Its bytes were taken off once.
  EXPECT_EQ((*scene.catalog->stored_bytes())[2], 100u + 300 + 500 - 100);
}

// Whatever a crash leaves of catalog and disk: the pack of every row is there, and what is left to do is
// done.
TEST(UnlinkerTest, NoCrashLeavesARowWithoutItsPack) {
  for (std::uint64_t operations = 0;; ++operations) {
    UnlinkScene scene;
    scene.fs.crash_after(operations);
    const bool done = unlink_packs(*scene.catalog, *scene.store, scene.steps(), Numbers{1, 3, 5}).has_value();
    for (std::size_t left = scene.persisted; left <= scene.log->batches.size(); ++left) {
      for (const Survival survival : {Survival::none, Survival::all, Survival::some}) {
        const auto cut = std::make_shared<MemoryCatalogLog>(*scene.log);
        cut->batches.resize(left);
        MemoryCatalog catalog(cut);
        const auto disk = scene.fs.survivor(survival, operations);
        const auto store = open_full_packs(*disk);
        ASSERT_NE(store, nullptr);
        const Numbers needed = *catalog.packs(), present = store->packs();
        EXPECT_TRUE(std::includes(present.begin(), present.end(), needed.begin(), needed.end()))
            << operations;
        Numbers unused;
        for (const std::uint64_t pack : present) {
          if (pack % 2 == 1) unused.push_back(pack);
        }
        const auto again = unlink_packs(catalog, *store, scene.steps(), unused);
        ASSERT_TRUE(again) << again.error().message;
        EXPECT_EQ(store->packs(), (Numbers{2, 4, 6}));
        EXPECT_EQ((*catalog.stored_bytes())[2], 0u);
      }
    }
    if (done) break;
    ASSERT_LT(operations, 50u);
  }
}

}  // namespace

}  // namespace rb::test
