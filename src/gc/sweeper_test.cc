#include "gc/sweeper.h"

#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "repository/memory_catalog.h"
#include "repository/rocks_catalog.h"
#include "support/store_samples.h"
#include "support/temp_directory.h"

namespace rb::test {

namespace {

constexpr std::uint32_t kDomains = 3;
constexpr std::size_t kStretch = 5;

ObjectId id_of(std::uint64_t number) {
  return make_chunk("object " + std::to_string(number)).id;
}

// What a repository held when a collection froze, and what came since.
struct SweepScene {
  std::vector<CatalogObject> objects;  // as they are at the start of the sweep
  std::vector<CatalogCommit> commits;
  std::shared_ptr<DeadSet> dead = std::make_shared<DeadSet>();
  std::vector<CatalogSnapshotKey> gone;
};

// Every object refers to some of the two before it in its domain. `seed` decides which live, and which of the
// dead came again.
SweepScene make_scene(std::uint64_t seed, std::uint64_t count) {
  SweepScene scene;
  scene.dead->limit = count + 1;
  const auto chance = [&seed](unsigned in) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % in == 0;
  };
  ObjectNumber next = count + 1;
  for (ObjectNumber number = 1; number <= count; ++number) {
    CatalogObject object{.domain = static_cast<std::uint32_t>(number % kDomains), .id = id_of(number)};
    object.row.number = number;
    object.row.at = {.pack = 1 + number / 7, .offset = 80 * number};
    object.row.share_bytes = static_cast<std::uint32_t>(100 + number);
    if (chance(2) && number > kDomains) {
      object.row.kind = ObjectKind::tree;
      object.children = {number - kDomains};
    }
    if (!chance(3)) {
      scene.dead->marked.add(number);
    } else if (chance(4)) {
      scene.objects.push_back(object);
      object.row.number = next++;
      object.row.at.pack = 1000;
      object.children.clear();  // of the new number there are none; those of the old one are dead
    }
    scene.objects.push_back(std::move(object));
  }
  for (const std::uint64_t sequence : {1, 2, 3}) {
    CatalogCommit commit{.node = 1, .domain = 1};
    commit.snapshot.sequence = sequence;
    commit.snapshot.id.bytes.fill(static_cast<std::uint8_t>(sequence));
    commit.snapshot.run = make_run(static_cast<std::uint8_t>(sequence));
    scene.commits.push_back(commit);
  }
  scene.gone = {{1, 2}};
  return scene;
}

// The second of two objects with the same key replaces the first.
void fill(Catalog& catalog, const SweepScene& scene) {
  CatalogBatch batch;
  batch.commits = scene.commits;
  std::map<std::uint32_t, std::set<ObjectId>> keys;
  for (const CatalogObject& object : scene.objects) {
    ASSERT_TRUE(catalog.apply({.objects = {object}}));
    keys[object.domain].insert(object.id);
  }
  for (const auto& [domain, ids] : keys)
    batch.object_counts[domain] = ids.size();
  batch.dead_set = scene.dead;
  ASSERT_TRUE(catalog.apply(batch));
}

struct Contents {
  std::map<std::pair<std::uint32_t, ObjectId>, ObjectRow> rows;
  std::map<ObjectNumber, std::vector<ObjectNumber>> children;
  std::map<std::uint32_t, std::uint64_t> counts;
  std::vector<std::uint64_t> snapshots;
  bool has_dead_set = false;
  bool operator==(const Contents&) const = default;
};

Contents contents_of(Catalog& catalog) {
  Contents found;
  for (std::uint32_t domain = 0; domain < kDomains; ++domain) {
    EXPECT_TRUE(
        catalog.visit_objects(domain, std::nullopt, SIZE_MAX, [&](const ObjectId& id, const ObjectRow& row) {
          found.rows[{domain, id}] = row;
          return Status{};
        }));
  }
  EXPECT_TRUE(
      catalog.visit_children(UINT64_MAX, SIZE_MAX, [&](ObjectNumber number, std::vector<ObjectNumber> refs) {
        found.children[number] = std::move(refs);
        return Status{};
      }));
  found.counts = *catalog.object_counts();
  EXPECT_TRUE(catalog.visit_commits([&](const CatalogCommit& commit) {
    found.snapshots.push_back(commit.snapshot.sequence);
    return Status{};
  }));
  found.has_dead_set = *catalog.dead_set() != nullptr;
  return found;
}

Contents expected_after(const SweepScene& scene) {
  Contents expected;
  for (std::uint32_t domain = 0; domain < kDomains; ++domain)
    expected.counts[domain] = 0;
  for (const CatalogObject& object : scene.objects) {
    if (scene.dead->contains(object.row.number)) continue;
    expected.rows[{object.domain, object.id}] = object.row;
    if (!object.children.empty()) expected.children[object.row.number] = object.children;
    ++expected.counts[object.domain];
  }
  expected.snapshots = {1, 3};
  return expected;
}

PackUsage usage_of(const Contents& contents) {
  PackUsage usage;
  for (const auto& [key, row] : contents.rows)
    usage.count(row);
  return usage;
}

// Stands for the store around the sweep: it notes what it is told, and can refuse the n-th step.
struct FakeStore {
  std::size_t steps_left = SIZE_MAX;
  bool in_step = false;
  std::size_t removed = 0;
  int lifted = 0;

  SweepSteps steps() {
    return {.with_catalog_still = [this](const std::function<Status()>& step) -> Status {
              if (steps_left == 0) return fail(Errc::no_space, "refused");
              --steps_left;
              in_step = true;
              Status done = step();
              in_step = false;
              return done;
            },
            .rows_removed =
                [this](std::uint32_t, std::span<const ObjectId> ids) {
                  EXPECT_TRUE(in_step);
                  removed += ids.size();
                },
            .lift = [this] { ++lifted; }};
  }
};

Result<SweepReport> sweep(Catalog& catalog, const SweepScene& scene, FakeStore& store) {
  const std::atomic<bool> cancelled = false;
  return run_sweep(catalog, store.steps(), {.stretch_rows = kStretch, .gone = scene.gone}, cancelled);
}

TEST(SweeperTest, RemovesWhatIsDeadAndNothingElse) {
  EXPECT_TRUE(rc::check([](std::uint64_t seed) {
    const SweepScene scene = make_scene(seed, seed % 60);
    MemoryCatalog catalog;
    fill(catalog, scene);
    const std::size_t rows_before = contents_of(catalog).rows.size();
    FakeStore store;
    const auto report = sweep(catalog, scene, store);
    RC_ASSERT(report.has_value());
    Contents expected = expected_after(scene);
    const Contents found = contents_of(catalog);
    RC_ASSERT(found.rows == expected.rows);
    RC_ASSERT(found.children == expected.children);
    RC_ASSERT(found.snapshots == expected.snapshots);
    RC_ASSERT(!found.has_dead_set);
    for (const auto& [domain, count] : found.counts)
      RC_ASSERT(count == expected.counts[domain]);
    RC_ASSERT(report->rows_kept == found.rows.size());
    RC_ASSERT(report->rows_kept + report->rows_removed == rows_before);
    RC_ASSERT(report->usage->packs() == usage_of(found).packs());
    RC_ASSERT(store.removed == report->rows_removed);
    RC_ASSERT(store.lifted == 1);
  }));
}

// A crash leaves the effect of some first n batches; a sweep of any of them ends the same.
TEST(SweeperTest, GoesOnAfterACrashAnywhere) {
  for (const std::uint64_t seed : {3, 14, 159}) {
    const SweepScene scene = make_scene(seed, 50);
    const auto log = std::make_shared<MemoryCatalogLog>();
    std::size_t before = 0;
    {
      MemoryCatalog catalog(log);
      fill(catalog, scene);
      before = log->batches.size();
      FakeStore store;
      ASSERT_TRUE(sweep(catalog, scene, store));
    }
    const Contents expected = expected_after(scene);
    ASSERT_GT(log->batches.size(), before + 5);
    for (std::size_t left = before; left <= log->batches.size(); ++left) {
      const auto cut = std::make_shared<MemoryCatalogLog>(*log);
      cut->batches.resize(left);
      MemoryCatalog catalog(cut);
      const Contents crashed = contents_of(catalog);
      EXPECT_EQ(crashed.has_dead_set, left < log->batches.size());
      // Until the end, whatever is gone was dead: all that lives is there at any moment.
      for (const auto& [key, row] : expected.rows)
        EXPECT_EQ(crashed.rows.at(key), row);
      FakeStore store;
      const auto report = sweep(catalog, scene, store);
      ASSERT_TRUE(report) << report.error().message;
      EXPECT_EQ(contents_of(catalog), expected) << left;
      EXPECT_EQ(report->rows_removed, crashed.rows.size() - expected.rows.size());
      // Counted anew from the beginning: nothing of an interrupted sweep is relied on.
      if (crashed.has_dead_set) {
        EXPECT_EQ(report->usage->packs(), usage_of(expected_after(scene)).packs());
      }
    }
  }
}

TEST(SweeperTest, AnErrorLeavesTheDeadSetInPlace) {
  const SweepScene scene = make_scene(26, 40);
  MemoryCatalog catalog;
  fill(catalog, scene);
  std::size_t failures = 0;
  for (;; ++failures) {
    FakeStore store;
    store.steps_left = failures;
    const auto report = sweep(catalog, scene, store);
    if (report) break;
    EXPECT_EQ(report.error().code, Errc::no_space);
    EXPECT_EQ(store.lifted, 0);
    EXPECT_TRUE(contents_of(catalog).has_dead_set);
  }
  EXPECT_GT(failures, 5u);
  EXPECT_EQ(contents_of(catalog), expected_after(scene));
}

TEST(SweeperTest, StopsWhenAskedTo) {
  const SweepScene scene = make_scene(5, 40);
  MemoryCatalog catalog;
  fill(catalog, scene);
  FakeStore store;
  const std::atomic<bool> cancelled = true;
  const auto report = run_sweep(catalog, store.steps(), {}, cancelled);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::cancelled);
  EXPECT_TRUE(contents_of(catalog).has_dead_set);
  EXPECT_EQ(store.lifted, 0);
}

TEST(SweeperTest, WithoutADeadSetThereIsNothingToDo) {
  const SweepScene scene = make_scene(5, 40);
  const auto log = std::make_shared<MemoryCatalogLog>();
  MemoryCatalog catalog(log);
  fill(catalog, scene);
  ASSERT_TRUE(catalog.apply({.lift_dead_set = true}));
  const std::size_t batches = log->batches.size();
  FakeStore store;
  const auto report = sweep(catalog, scene, store);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->rows_removed, 0u);
  EXPECT_FALSE(report->usage);  // which is not: all packs are unused
  EXPECT_EQ(store.lifted, 0);
  EXPECT_EQ(log->batches.size(), batches);
}

TEST(SweeperTest, RefusesCountsThatCannotBe) {
  const SweepScene scene = make_scene(8, 40);
  MemoryCatalog catalog;
  fill(catalog, scene);
  ASSERT_TRUE(catalog.apply({.object_counts = {{0, 0}, {1, 0}, {2, 0}}}));
  FakeStore store;
  const auto report = sweep(catalog, scene, store);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::corrupt);
  EXPECT_EQ(store.removed, 0u);
}

// The same on the catalog of a server, which is closed and opened again after each step.
TEST(SweeperTest, GoesOnInTheCatalogOnDisk) {
  const TempDirectory directory;
  const SweepScene scene = make_scene(77, 40);
  {
    const auto catalog = open_rocks_catalog(directory.path() + "/c");
    ASSERT_TRUE(catalog && (*catalog)->clear(RepositoryId{}));
    fill(**catalog, scene);
    ASSERT_TRUE((*catalog)->persist());
  }
  bool done = false;
  for (std::size_t steps = 2; !done; steps += 5) {
    const auto catalog = open_rocks_catalog(directory.path() + "/c");
    ASSERT_TRUE(catalog);
    FakeStore store;
    store.steps_left = steps;
    done = sweep(**catalog, scene, store).has_value();
    ASSERT_TRUE((*catalog)->persist());
  }
  const auto catalog = open_rocks_catalog(directory.path() + "/c");
  ASSERT_TRUE(catalog);
  EXPECT_EQ(contents_of(**catalog), expected_after(scene));
}

TEST(PackUsageTest, CountsRowsAndBytesOfEachPack) {
  PackUsage usage;
  usage.count({.number = 1, .at = {.pack = 4, .offset = 80}, .share_bytes = 10});
  usage.count({.number = 2, .at = {.pack = 4, .offset = 180}, .share_bytes = UINT32_MAX});
  usage.count({.number = 3, .at = {.pack = 9, .offset = 80}});
  EXPECT_EQ(usage.of(4), (PackUse{.rows = 2, .bytes = 10ull + UINT32_MAX}));
  EXPECT_EQ(usage.of(9), (PackUse{.rows = 1}));
  EXPECT_EQ(usage.of(5), PackUse{});
}

}  // namespace

}  // namespace rb::test
