#include "scan/file_cache.h"

#include <csignal>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "support/cached_pages.h"
#include "support/format_values.h"
#include "support/temp_directory.h"

namespace rb {
namespace {

using test::CachedPages;
using test::FormatValues;
using test::TempDirectory;

struct Row {
  Entry entry;
  Signature signature;
  bool operator==(const Row&) const = default;
};
void PrintTo(const Row& row, std::ostream* to) {
  *to << testing::PrintToString(row.entry.name);
}

// What a directory should be remembered as.
struct Model {
  std::string path;
  std::vector<Row> rows;
  ObjectId tree;
  std::vector<ObjectId> page_ids;
};

CacheKey test_key(std::string root = "/home/ana") {
  CacheKey key;
  key.repository.bytes.fill(7);
  key.node = "node";
  key.root_path = std::move(root);
  return key;
}

Signature random_signature(FormatValues& values) {
  Signature s;
  s.size = values.number();
  s.inode = values.number();
  s.mtime = values.time();
  s.ctime = values.chance(50) ? s.mtime : values.time();
  s.trusted = values.chance(80);
  return s;
}

Model random_directory(FormatValues& values, std::string path, std::size_t entries) {
  Model out;
  out.path = std::move(path);
  std::vector<std::string> names = values.names(2 * entries);
  if (names.size() > entries) names.resize(entries);
  for (std::string& name : names) {
    out.rows.push_back({values.entry(std::move(name)), random_signature(values)});
  }
  out.tree = values.id<ObjectId>();
  for (std::size_t i = values.below(4); i > 0; --i)
    out.page_ids.push_back(values.id<ObjectId>());
  return out;
}

void add_rows(CachedPages& to, const Model& m, std::size_t begin = 0, std::size_t end = SIZE_MAX) {
  for (std::size_t i = begin; i < std::min(end, m.rows.size()); ++i)
    to.add(m.rows[i].entry, m.rows[i].signature);
}

void write_directory(FileCacheWriter& writer, const Model& m) {
  CachedPages dir(writer, m.path);
  add_rows(dir, m);
  dir.close(m.tree, m.page_ids);
}

std::vector<Row> read_rows(CachedDirectory& dir) {
  std::vector<Row> out;
  for (; const CachedRow* row = dir.current(); dir.next()) {
    const Result<const Entry*> entry = dir.entry();
    EXPECT_TRUE(entry) << entry.error().message;
    if (!entry) break;
    EXPECT_EQ((*entry)->name, row->name);
    EXPECT_EQ((*entry)->type, row->type);
    out.push_back({**entry, row->signature});
  }
  return out;
}

void expect_directory(const FileCache& cache, const Model& m) {
  const auto dir = cache.find(m.path);
  ASSERT_NE(dir, nullptr) << m.path;
  EXPECT_EQ(dir->tree(), m.tree);
  EXPECT_EQ(dir->page_ids(), m.page_ids);
  EXPECT_EQ(read_rows(*dir), m.rows);
  EXPECT_EQ(dir->tree(), m.tree);
}

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> out;
  const auto dir = OpenDirectory::open(AT_FDCWD, directory.c_str());
  if (!dir) return out;
  const auto names = dir->list();
  for (std::size_t i = 0; names && i < names->size(); ++i)
    out.emplace_back(names->name(i));
  return out;
}

const ObjectId kRootTree = ObjectId::from(Bytes(32, 9));

TEST(FileCacheTest, WhatWasWrittenIsRead) {
  const TempDirectory temp;
  FormatValues values(1);
  std::vector<Model> models;
  models.push_back(random_directory(values, "/home/ana", 5));
  models.push_back(random_directory(values, "/home/ana/empty", 0));
  models.push_back(random_directory(values, "/home/ana/large", 2000));
  models.push_back(random_directory(values, "/home/ana/one", 1));
  {
    const auto writer = create_file_cache(temp / "new/cache", test_key());
    for (const Model& m : models)
      write_directory(*writer, m);
    EXPECT_EQ(open_file_cache(temp / "new/cache", test_key())->find("/home/ana"), nullptr);
    ASSERT_TRUE(writer->finish(kRootTree));
  }
  const auto cache = open_file_cache(temp / "new/cache", test_key());
  EXPECT_EQ(cache->root_tree(), kRootTree);
  for (const Model& m : models) {
    expect_directory(*cache, m);
    EXPECT_FALSE(cache->find(m.path)->from_checkpoint());
  }
  EXPECT_EQ(cache->find("/home/ana/other"), nullptr);
  EXPECT_EQ(cache->find("/"), nullptr);
  EXPECT_NE(cache->find("/home/ana/"), nullptr);
  EXPECT_EQ(files_in(temp / "new/cache").size(), 1u);
}

TEST(FileCacheTest, WithoutAnythingThereIsAnEmptyCache) {
  const TempDirectory temp;
  const auto cache = open_file_cache(temp / "absent", test_key());
  EXPECT_EQ(cache->root_tree(), std::nullopt);
  EXPECT_EQ(cache->find("/home/ana"), nullptr);
}

TEST(FileCacheTest, AnotherKeySeesNothing) {
  const TempDirectory temp;
  FormatValues values(2);
  const auto writer = create_file_cache(temp.path(), test_key());
  write_directory(*writer, random_directory(values, "/home/ana", 3));
  ASSERT_TRUE(writer->finish(kRootTree));
  CacheKey other_node = test_key(), other_repository = test_key();
  other_node.node = "other";
  other_repository.repository.bytes[0] ^= 1;
  for (const CacheKey& key : {other_node, other_repository, test_key("/home"), test_key("/home/an")}) {
    const auto cache = open_file_cache(temp.path(), key);
    EXPECT_EQ(cache->root_tree(), std::nullopt);
    EXPECT_EQ(cache->find("/home/ana"), nullptr);
  }
}

TEST(FileCacheTest, ARootWithoutACacheUsesAnEnclosingOne) {
  const TempDirectory temp;
  FormatValues values(3);
  const Model docs = random_directory(values, "/home/ana/docs", 30);
  const auto writer = create_file_cache(temp.path(), test_key("/"));
  write_directory(*writer, docs);
  ASSERT_TRUE(writer->finish(kRootTree));
  const auto cache = open_file_cache(temp.path(), test_key("/home/ana/docs"));
  EXPECT_EQ(cache->root_tree(), kRootTree);
  expect_directory(*cache, docs);

  // Once it has one of its own, that alone counts.
  const auto own = create_file_cache(temp.path(), test_key("/home/ana/docs"));
  ASSERT_TRUE(own->finish(docs.tree));
  EXPECT_EQ(open_file_cache(temp.path(), test_key("/home/ana/docs"))->find("/home/ana/docs"), nullptr);
}

TEST(FileCacheTest, InterleavedDirectoriesDoNotMix) {
  const TempDirectory temp;
  FormatValues values(4);
  std::vector<Model> models;
  const auto writer = create_file_cache(temp.path(), test_key());
  std::vector<CachedPages> under_way;
  for (int i = 0; i < 5; ++i) {
    models.push_back(random_directory(values, "/home/ana/" + std::to_string(i), 900));
    under_way.emplace_back(*writer, models.back().path);
  }
  for (std::size_t at = 0; at < 900; at += 100) {
    for (std::size_t i = 0; i < models.size(); ++i)
      add_rows(under_way[i], models[i], at, at + 100);
  }
  for (std::size_t i = 0; i < models.size(); ++i)
    under_way[i].close(models[i].tree, models[i].page_ids);
  ASSERT_TRUE(writer->finish(kRootTree));
  const auto cache = open_file_cache(temp.path(), test_key());
  for (const Model& m : models)
    expect_directory(*cache, m);
}

TEST(FileCacheTest, SeveralThreadsWriteAndRead) {
  const TempDirectory temp;
  constexpr int kThreads = 4, kDirectories = 60;
  std::vector<std::vector<Model>> models(kThreads);
  const auto writer = create_file_cache(temp.path(), test_key());
  const auto in_threads = [&](const auto& work) {
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&work, t] { work(static_cast<std::size_t>(t)); });
    for (std::thread& t : threads)
      t.join();
  };
  in_threads([&](std::size_t t) {
    FormatValues values(100 + t);
    for (int i = 0; i < kDirectories; ++i) {
      models[t].push_back(random_directory(values, fmt::format("/home/ana/{}/{}", t, i), values.below(300)));
      write_directory(*writer, models[t].back());
      if (i % 16 == 0) writer->flush();
    }
  });
  ASSERT_TRUE(writer->finish(kRootTree));
  const auto cache = open_file_cache(temp.path(), test_key());
  in_threads([&](std::size_t t) {
    for (const Model& m : models[(t + 1) % kThreads])
      expect_directory(*cache, m);
  });
}

TEST(FileCacheTest, RewindBeginsAgain) {
  const TempDirectory temp;
  FormatValues values(5);
  const Model m = random_directory(values, "/home/ana", 700);
  const auto writer = create_file_cache(temp.path(), test_key());
  write_directory(*writer, m);
  ASSERT_TRUE(writer->finish(kRootTree));
  const auto dir = open_file_cache(temp.path(), test_key())->find("/home/ana");
  ASSERT_NE(dir, nullptr);
  for (int i = 0; i < 300; ++i)
    dir->next();
  ASSERT_NE(dir->current(), nullptr);
  EXPECT_EQ(dir->current()->name, m.rows[300].entry.name);
  dir->rewind();
  EXPECT_EQ(read_rows(*dir), m.rows);
  EXPECT_EQ(dir->current(), nullptr);
  dir->next();  // at the end it stays there
  EXPECT_EQ(dir->current(), nullptr);
  dir->rewind();
  EXPECT_EQ(read_rows(*dir), m.rows);
}

// Pages can be passed by, and taken over by another cache without a look at their entries.
TEST(FileCacheTest, PagesAreTakenOverWhole) {
  const TempDirectory temp;
  FormatValues values(20);
  const Model m = random_directory(values, "/home/ana", 700);
  std::vector<ObjectId> leaves;
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    CachedPages dir(*writer, m.path);
    add_rows(dir, m);
    dir.close(m.tree, m.page_ids);
    leaves = dir.leaves();
    ASSERT_TRUE(writer->finish(kRootTree));
  }
  const auto old = open_file_cache(temp.path(), test_key());
  const auto writer = create_file_cache(temp.path(), test_key());
  {
    const auto from = old->find(m.path);
    const auto to = writer->begin_directory(m.path);
    std::size_t rows = 0;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      const auto page = from->page();
      ASSERT_TRUE(page);
      ASSERT_NE(*page, nullptr);
      EXPECT_EQ((*page)->id, leaves[i]);
      EXPECT_EQ((*page)->last, i + 1 == leaves.size());
      for (const CachedRow& row : (*page)->rows)
        EXPECT_EQ(row.name, m.rows[rows++].entry.name);
      to->add_page(**page);
      from->skip_page();
    }
    EXPECT_EQ(rows, m.rows.size());
    EXPECT_EQ(from->current(), nullptr);
    EXPECT_EQ(from->tree(), m.tree);
    to->close(m.tree, m.page_ids);
  }
  ASSERT_TRUE(writer->finish(kRootTree));
  expect_directory(*open_file_cache(temp.path(), test_key()), m);
}

TEST(FileCacheTest, APageBeginsWithItsFirstRow) {
  const TempDirectory temp;
  FormatValues values(21);
  const Model m = random_directory(values, "/home/ana", 200);
  const auto writer = create_file_cache(temp.path(), test_key());
  write_directory(*writer, m);
  ASSERT_TRUE(writer->finish(kRootTree));
  const auto dir = open_file_cache(temp.path(), test_key())->find(m.path);
  for (std::size_t i = 0; i < m.rows.size(); ++i, dir->next()) {
    const auto page = dir->page();
    ASSERT_TRUE(page);
    EXPECT_EQ(*page != nullptr, i % 64 == 0) << i;
    const auto entry = dir->entry();
    ASSERT_TRUE(entry);
    EXPECT_EQ(**entry, m.rows[i].entry);
  }
}

// What a run that was cut left is no page of any tree.
TEST(FileCacheTest, ACutDirectoryHasNoPages) {
  const TempDirectory temp;
  FormatValues values(22);
  const Model m = random_directory(values, "/home/ana", 200);
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    CachedPages dir(*writer, m.path);
    add_rows(dir, m, 0, 100);
  }
  const auto dir = open_file_cache(temp.path(), test_key())->find(m.path);
  const auto page = dir->page();
  ASSERT_TRUE(page);
  EXPECT_EQ(*page, nullptr);
}

TEST(FileCacheTest, ACutRunLeavesACheckpoint) {
  const TempDirectory temp;
  FormatValues values(6);
  const Model done = random_directory(values, "/home/ana/done", 40);
  const Model cut = random_directory(values, "/home/ana/cut", 1000);
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    write_directory(*writer, done);
    CachedPages dir(*writer, cut.path);
    add_rows(dir, cut, 0, 600);
  }
  const auto cache = open_file_cache(temp.path(), test_key());
  EXPECT_EQ(cache->root_tree(), std::nullopt);
  expect_directory(*cache, done);
  EXPECT_TRUE(cache->find(done.path)->from_checkpoint());
  const auto dir = cache->find(cut.path);
  ASSERT_NE(dir, nullptr);
  EXPECT_EQ(dir->tree(), std::nullopt);
  EXPECT_TRUE(dir->page_ids().empty());
  EXPECT_EQ(read_rows(*dir), std::vector<Row>(cut.rows.begin(), cut.rows.begin() + 600));
}

// Killed without a destructor: only what flush() brought to the file is there.
TEST(FileCacheTest, FlushedRowsSurviveAKill) {
  const TempDirectory temp;
  FormatValues values(7);
  const Model m = random_directory(values, "/home/ana", 20);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto writer = create_file_cache(temp.path(), test_key());
    CachedPages dir(*writer, m.path);
    add_rows(dir, m, 0, 10);
    writer->flush();
    add_rows(dir, m, 10, 11);
    add_rows(dir, m, 11, 20);
    ::_exit(0);
  }
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  const auto dir = open_file_cache(temp.path(), test_key())->find(m.path);
  ASSERT_NE(dir, nullptr);
  EXPECT_EQ(read_rows(*dir), std::vector<Row>(m.rows.begin(), m.rows.begin() + 11));
}

TEST(FileCacheTest, ACheckpointComesBeforeTheOldCache) {
  const TempDirectory temp;
  FormatValues values(8);
  const Model old_a = random_directory(values, "/home/ana/a", 20),
              old_b = random_directory(values, "/home/ana/b", 20);
  Model new_a = random_directory(values, "/home/ana/a", 25);
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    write_directory(*writer, old_a);
    write_directory(*writer, old_b);
    ASSERT_TRUE(writer->finish(kRootTree));
  }
  { write_directory(*create_file_cache(temp.path(), test_key()), new_a); }
  const auto cache = open_file_cache(temp.path(), test_key());
  EXPECT_EQ(cache->root_tree(), kRootTree);
  expect_directory(*cache, new_a);
  expect_directory(*cache, old_b);
  EXPECT_TRUE(cache->find(new_a.path)->from_checkpoint());
  EXPECT_FALSE(cache->find(old_b.path)->from_checkpoint());
}

TEST(FileCacheTest, ACutDirectoryGoesOnWithTheOldCachesRows) {
  const TempDirectory temp;
  FormatValues values(9);
  const Model old = random_directory(values, "/home/ana", 1000);
  Model now = old;
  for (Row& row : now.rows)
    row.signature.size ^= 1;
  now.rows.erase(now.rows.begin() + 100);
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    write_directory(*writer, old);
    ASSERT_TRUE(writer->finish(kRootTree));
    const auto again = create_file_cache(temp.path(), test_key());
    CachedPages dir(*again, now.path);
    add_rows(dir, now, 0, 300);
  }
  std::vector<Row> expected(now.rows.begin(), now.rows.begin() + 300);
  expected.insert(expected.end(), old.rows.begin() + 301, old.rows.end());
  const auto dir = open_file_cache(temp.path(), test_key())->find("/home/ana");
  ASSERT_NE(dir, nullptr);
  EXPECT_EQ(dir->tree(), std::nullopt);
  EXPECT_EQ(read_rows(*dir), expected);
  dir->rewind();
  EXPECT_EQ(read_rows(*dir), expected);
}

TEST(FileCacheTest, OnlyTheLastOfTwoAttemptsAtADirectoryCounts) {
  const TempDirectory temp;
  FormatValues values(10);
  const Model first = random_directory(values, "/home/ana", 20),
              second = random_directory(values, "/home/ana", 20);
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    for (const Model* m : {&first, &second}) {
      CachedPages dir(*writer, m->path);
      add_rows(dir, *m);
    }
  }
  const auto dir = open_file_cache(temp.path(), test_key())->find("/home/ana");
  ASSERT_NE(dir, nullptr);
  EXPECT_EQ(read_rows(*dir), second.rows);
}

TEST(FileCacheTest, FinishingRemovesWhatDeadRunsLeft) {
  const TempDirectory temp;
  FormatValues values(11);
  for (int i = 0; i < 10; ++i) {
    write_directory(*create_file_cache(temp.path(), test_key()), random_directory(values, "/home/ana", 3));
    EXPECT_LE(files_in(temp.path()).size(), 5u);
  }
  const auto live = create_file_cache(temp.path(), test_key());
  const auto old = open_file_cache(temp.path(), test_key());
  ASSERT_TRUE(create_file_cache(temp.path(), test_key())->finish(kRootTree));
  EXPECT_EQ(files_in(temp.path()).size(), 2u);  // the cache, and the checkpoint of the run that is alive
  const Model m = random_directory(values, "/home/ana", 3);
  write_directory(*live, m);
  ASSERT_TRUE(live->finish(kRootTree));
  EXPECT_EQ(files_in(temp.path()).size(), 1u);
  expect_directory(*open_file_cache(temp.path(), test_key()), m);
}

TEST(FileCacheTest, ALiveRunsCheckpointIsNotRead) {
  const TempDirectory temp;
  FormatValues values(12);
  const auto live = create_file_cache(temp.path(), test_key());
  write_directory(*live, random_directory(values, "/home/ana", 3));
  live->flush();
  EXPECT_EQ(open_file_cache(temp.path(), test_key())->find("/home/ana"), nullptr);
}

TEST(FileCacheTest, AnOpenCacheOutlivesItsReplacement) {
  const TempDirectory temp;
  FormatValues values(13);
  const Model m = random_directory(values, "/home/ana", 600);
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    write_directory(*writer, m);
    ASSERT_TRUE(writer->finish(kRootTree));
  }
  auto cache = open_file_cache(temp.path(), test_key());
  ASSERT_TRUE(create_file_cache(temp.path(), test_key())->finish(kRootTree));
  expect_directory(*cache, m);
  const auto dir = cache->find(m.path);
  cache.reset();
  EXPECT_EQ(read_rows(*dir), m.rows);
}

// A tree of directories: every directory's rows name its subdirectories.
std::vector<Model> random_tree(FormatValues& values, const std::string& path, int depth) {
  std::vector<Model> out{random_directory(values, path, values.below(400))};
  if (depth == 0)
    std::erase_if(out[0].rows, [](const Row& r) { return r.entry.type == EntryType::directory; });
  std::size_t children = 0;
  for (const Row& row : std::vector<Row>(out[0].rows)) {
    if (row.entry.type != EntryType::directory || ++children > 4) continue;
    for (Model& m : random_tree(values, path + "/" + row.entry.name, depth - 1))
      out.push_back(std::move(m));
  }
  return out;
}

TEST(FileCacheTest, CarryOverCopiesASubtree) {
  const TempDirectory temp;
  FormatValues values(14);
  const std::vector<Model> tree = random_tree(values, "/home/ana/docs", 3);
  const Model other = random_directory(values, "/home/ana/other", 3);
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    for (const Model& m : tree)
      write_directory(*writer, m);
    write_directory(*writer, other);
    ASSERT_TRUE(writer->finish(kRootTree));
  }
  ASSERT_GT(tree.size(), 10u);
  const auto old = open_file_cache(temp.path(), test_key());
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    writer->carry_over(*old, "/home/ana/docs");
    writer->carry_over(*old, "/home/ana/absent");
    ASSERT_TRUE(writer->finish(kRootTree));
  }
  const auto cache = open_file_cache(temp.path(), test_key());
  for (const Model& m : tree)
    expect_directory(*cache, m);
  EXPECT_EQ(cache->find(other.path), nullptr);
}

TEST(FileCacheTest, CarryOverLeavesAloneWhatIsNewAlready) {
  const TempDirectory temp;
  FormatValues values(15);
  Model parent = random_directory(values, "/home/ana", 0);
  parent.rows.push_back({Entry{.name = "sub", .type = EntryType::directory}, {}});
  const Model old_sub = random_directory(values, "/home/ana/sub", 5),
              new_sub = random_directory(values, "/home/ana/sub", 5);
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    write_directory(*writer, parent);
    write_directory(*writer, old_sub);
    ASSERT_TRUE(writer->finish(kRootTree));
  }
  const auto old = open_file_cache(temp.path(), test_key());
  const auto writer = create_file_cache(temp.path(), test_key());
  write_directory(*writer, new_sub);
  writer->carry_over(*old, "/home/ana");
  writer->carry_over(*old, "/home/ana");
  ASSERT_TRUE(writer->finish(kRootTree));
  const auto cache = open_file_cache(temp.path(), test_key());
  expect_directory(*cache, parent);
  expect_directory(*cache, new_sub);
}

// A directory that was cut is carried into the next checkpoint, and is still incomplete there.
TEST(FileCacheTest, CarryOverKeepsACutDirectoryCut) {
  const TempDirectory temp;
  FormatValues values(16);
  const Model cut = random_directory(values, "/home/ana", 300);
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    CachedPages dir(*writer, cut.path);
    add_rows(dir, cut, 0, 200);
  }
  const auto old = open_file_cache(temp.path(), test_key());
  { create_file_cache(temp.path(), test_key())->carry_over(*old, "/home/ana"); }
  const auto dir = open_file_cache(temp.path(), test_key())->find("/home/ana");
  ASSERT_NE(dir, nullptr);
  EXPECT_EQ(dir->tree(), std::nullopt);
  EXPECT_EQ(read_rows(*dir), std::vector<Row>(cut.rows.begin(), cut.rows.begin() + 200));
}

TEST(FileCacheTest, EntriesHeavyWithAttributesAreRead) {
  const TempDirectory temp;
  FormatValues values(17);
  Model m = random_directory(values, "/home/ana", 300);
  for (Row& row : m.rows) {
    row.entry.xattrs.clear();
    for (int i = 100; i < 200; ++i)
      row.entry.xattrs.push_back({"user.x" + std::to_string(i), values.bytes(500), {}});
  }
  const auto writer = create_file_cache(temp.path(), test_key());
  write_directory(*writer, m);
  ASSERT_TRUE(writer->finish(kRootTree));
  expect_directory(*open_file_cache(temp.path(), test_key()), m);
}

// The index is found by guessing where a key stands: every one must be found among many.
TEST(FileCacheTest, FindsEveryOneOfManyDirectories) {
  const TempDirectory temp;
  constexpr int kDirectories = 20'000;
  const auto id_of = [](int i) {
    ObjectId id;
    std::memcpy(id.bytes.data(), &i, sizeof i);
    return id;
  };
  const auto writer = create_file_cache(temp.path(), test_key());
  for (int i = 0; i < kDirectories; ++i)
    writer->begin_directory(fmt::format("/d/{}", i))->close(id_of(i), {});
  ASSERT_TRUE(writer->finish(kRootTree));
  const auto cache = open_file_cache(temp.path(), test_key());
  for (int i = 0; i < kDirectories; ++i) {
    const auto dir = cache->find(fmt::format("/d/{}", i));
    ASSERT_NE(dir, nullptr) << i;
    ASSERT_EQ(dir->tree(), id_of(i));
    ASSERT_EQ(cache->find(fmt::format("/e/{}", i)), nullptr) << i;
  }
}

TEST(FileCacheTest, ACacheThatCannotBeWrittenHarmsNobody) {
  const TempDirectory temp;
  FormatValues values(18);
  temp.write("file", "");
  const auto writer = create_file_cache(temp / "file/below", test_key());
  write_directory(*writer, random_directory(values, "/home/ana", 500));
  writer->flush();
  EXPECT_FALSE(writer->finish(kRootTree));
}

// A full disk, made with the limit on a file's size.
TEST(FileCacheTest, AFullDiskLeavesTheOldCache) {
  const TempDirectory temp;
  FormatValues values(19);
  const Model m = random_directory(values, "/home/ana", 5);
  {
    const auto writer = create_file_cache(temp.path(), test_key());
    write_directory(*writer, m);
    ASSERT_TRUE(writer->finish(kRootTree));
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{50'000, 50'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    const auto writer = create_file_cache(temp.path(), test_key());
    write_directory(*writer, random_directory(values, "/home/ana", 5000));
    ::_exit(writer->finish(kRootTree) ? 3 : 0);
  }
  int status = 1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(files_in(temp.path()).size(), 1u);
  expect_directory(*open_file_cache(temp.path(), test_key()), m);
}

TEST(FileCacheTest, LooksUnchangedOnlyWhenAllAgreesAndIsTrusted) {
  FileStat stat;
  stat.size = 5;
  stat.inode = 6;
  stat.mtime = {7, 8};
  stat.ctime = {9, 10};
  EXPECT_TRUE(looks_unchanged(signature_of(stat, true), stat));
  EXPECT_FALSE(looks_unchanged(signature_of(stat, false), stat));
  const auto differs = [&](auto change) {
    FileStat now = stat;
    change(now);
    return !looks_unchanged(signature_of(stat, true), now);
  };
  EXPECT_TRUE(differs([](FileStat& s) { s.size++; }));
  EXPECT_TRUE(differs([](FileStat& s) { s.inode++; }));
  EXPECT_TRUE(differs([](FileStat& s) { s.mtime.nanoseconds++; }));
  EXPECT_TRUE(differs([](FileStat& s) { s.ctime.seconds++; }));
}

}  // namespace
}  // namespace rb
