// Space that comes back, in whole repositories.
#include "gc/reclaim.h"

#include <fmt/format.h>

#include "support/collected_repository.h"

namespace rb::test {

namespace {

// A backup of eight files, of which `kept` have the contents they had in every other one.
SnapshotInfo back_up_mixed(CollectedRepository& repository, int run, int kept) {
  std::vector<NamedObject> objects;
  std::vector<ObjectId> refs;
  for (int file = 0; file < 8; ++file) {
    std::string text = fmt::format("file {} of run {}: ", file, file < kept ? 0 : run);
    // What does not compress, so that packs fill.
    for (std::uint32_t i = 0, state = static_cast<std::uint32_t>(run * 8 + file) + 1; i < 300; ++i)
      text.push_back(file < kept ? static_cast<char>('a' + i % 26)
                                 : static_cast<char>((state = state * 1664525 + 1013904223) >> 24));
    objects.push_back(make_chunk(text));
    refs.push_back(objects.back().id);
  }
  objects.push_back(make_tree(fmt::format("tree {}", run), refs));
  return repository.back_up(objects, make_snapshot(fmt::format("snapshot {}", run), objects.back().id));
}

std::uint64_t stored_by_packs(CollectedRepository& repository) {
  const auto rows = repository.core().catalog().pack_rows();
  EXPECT_TRUE(rows);
  std::uint64_t sum = 0;
  for (const CatalogPack& row : *rows) {
    for (const auto& [node, bytes] : row.bytes)
      sum += bytes;
  }
  return sum;
}

TEST(ReclaimTest, DeletedHistoryGivesItsSpaceBack) {
  CollectedRepository repository;
  std::vector<SnapshotInfo> history;
  for (int run = 1; run <= 20; ++run)
    history.push_back(back_up_mixed(repository, run, 2));
  const std::uint64_t full = repository.core().packs().stored_bytes();
  for (std::size_t i = 0; i + 2 < history.size(); ++i)
    repository.remove(history[i]);
  repository.collect_all();
  back_up_mixed(repository, 21, 2);  // a later pack is open, so that the one before may go
  repository.collect_all();
  const Status kept = repository.check_kept();
  EXPECT_TRUE(kept) << kept.error().message;
  EXPECT_LT(repository.core().packs().stored_bytes(), full / 2);
  // What the node has stored is what the packs hold.
  ASSERT_TRUE(repository.core().writer().persist());
  EXPECT_EQ(repository.core().index().stored_bytes(repository.node()), stored_by_packs(repository));
  EXPECT_EQ(*repository.core().catalog().packs(), repository.core().packs().packs());

  const std::uint64_t stored = repository.core().index().stored_bytes(repository.node());
  repository.restart();
  EXPECT_FALSE(repository.core().report().catalog_rebuilt);
  EXPECT_TRUE(repository.check_kept());
  EXPECT_EQ(repository.core().index().stored_bytes(repository.node()), stored);
  repository.rebuild();
  EXPECT_TRUE(repository.check_kept());
  EXPECT_EQ(repository.core().index().stored_bytes(repository.node()), stored);
}

TEST(ReclaimTest, ASettledRepositoryIsLeftAlone) {
  CollectedRepository repository;
  std::vector<SnapshotInfo> history;
  for (int run = 1; run <= 20; ++run)
    history.push_back(back_up_mixed(repository, run, 4));
  for (std::size_t i = 0; i < history.size(); i += 2)
    repository.remove(history[i]);
  repository.collect_all();
  repository.collect_all();
  // Nothing died since: what was copied is not copied again.
  const auto report = repository.collect();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->bytes_copied, 0u);
  EXPECT_EQ(report->packs_unlinked, 0u);
}

TEST(ReclaimTest, ARestoreInProgressFindsWhatMoved) {
  CollectedRepository repository;
  std::vector<SnapshotInfo> history;
  for (int run = 1; run <= 12; ++run)
    history.push_back(back_up_mixed(repository, run, 4));
  for (std::size_t i = 0; i + 1 < history.size(); ++i)
    repository.remove(history[i]);
  const auto reader = repository.begin(SessionPurpose::read);
  std::uint64_t packs_unlinked = 0, bytes_copied = 0;
  for (int i = 0; i < 4; ++i) {
    const auto report = repository.collect([&] {
      const auto read = CollectedRepository::read_all(*reader, history.back().object);
      ASSERT_TRUE(read) << read.error().message;
      EXPECT_EQ(*read, 10u);
    });
    ASSERT_TRUE(report) << report.error().message;
    packs_unlinked += report->packs_unlinked;
    bytes_copied += report->bytes_copied;
  }
  EXPECT_GT(packs_unlinked, 0u);
  EXPECT_GT(bytes_copied, 0u);
}

// At each change of the disk, with whatever the catalog kept of its batches.
TEST(ReclaimTest, NoCrashLosesASnapshot) {
  std::size_t tried = 0;
  bool done = false;
  for (std::uint64_t operations = 0; !done; operations += 3) {
    for (const std::size_t lost_batches : {0, 1, 5}) {
      CollectedRepository repository;
      std::vector<SnapshotInfo> history;
      for (int run = 1; run <= 8; ++run)
        history.push_back(back_up_mixed(repository, run, 3));
      for (std::size_t i = 0; i + 2 < history.size(); ++i)
        repository.remove(history[i]);
      repository.collect_all();
      repository.disk().crash_after(operations);
      done = repository.collect().has_value();
      const std::size_t batches = repository.log().batches.size();
      repository.crash(batches - std::min(batches, lost_batches),
                       operations % 2 == 0 ? Survival::none : Survival::some);
      const Status kept = repository.check_kept();
      ASSERT_TRUE(kept) << kept.error().message << " at " << operations;
      repository.collect_all();
      ASSERT_TRUE(repository.check_kept());
      ++tried;
    }
  }
  EXPECT_GT(tried, 3u);
}

}  // namespace

}  // namespace rb::test
