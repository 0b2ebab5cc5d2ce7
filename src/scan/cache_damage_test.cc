// A cache that is damaged is no cache: whatever happens to its bytes, what is read is what was written, or
// nothing.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/mman.h>

#include "scan/cache_log_reader.h"
#include "scan/joined_cache.h"
#include "support/cached_pages.h"
#include "support/canonical.h"
#include "support/format_values.h"
#include "support/temp_directory.h"

namespace rb {
namespace {

using test::FormatValues;
using test::TempDirectory;

CacheKey damage_key() {
  CacheKey key;
  key.node = "node";
  key.root_path = "/r";
  return key;
}

struct DamagedRow {
  Entry entry;
  Signature signature;
  bool operator==(const DamagedRow&) const = default;
};
using Rows = std::vector<DamagedRow>;
const std::vector<std::string> kPaths = {"/r", "/r/a", "/r/b"};

Signature signature(FormatValues& values) {
  return {.size = values.number(), .inode = values.number(), .mtime = values.time(), .ctime = values.time()};
}

Rows random_rows(FormatValues& values, std::size_t most) {
  Rows out;
  for (std::string& name : values.names(most))
    out.push_back({values.entry(std::move(name)), signature(values)});
  return out;
}

const ObjectId kTree = ObjectId::from(Bytes(32, 1));

struct Written {
  std::vector<Rows> rows;  // of kPaths
  Bytes file;
};

Bytes read_whole(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY));
  Bytes out(1 << 20);
  const ssize_t n = ::read(fd.get(), out.data(), out.size());
  out.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return out;
}

// Three directories written interleaved, the last not closed; finished, or as a run that was cut leaves it.
Written write_cache(std::uint64_t seed, bool finished, std::size_t most) {
  const TempDirectory temp;
  FormatValues values(seed);
  Written out;
  {
    const auto writer = create_file_cache(temp.path(), damage_key());
    std::vector<test::CachedPages> dirs;
    for (const std::string& path : kPaths) {
      dirs.emplace_back(*writer, path);
      out.rows.push_back(random_rows(values, most));
    }
    for (std::size_t i = 0; i < most; ++i) {
      for (std::size_t d = 0; d < dirs.size(); ++d) {
        if (i < out.rows[d].size()) dirs[d].add(out.rows[d][i].entry, out.rows[d][i].signature);
      }
      if (i == most / 2) writer->flush();
    }
    for (std::size_t d = 0; d < dirs.size(); ++d) {
      if (finished || d + 1 < dirs.size()) dirs[d].close(kTree, {kTree, kTree});
    }
    EXPECT_TRUE(!finished || writer->finish(kTree));
  }
  const auto dir = OpenDirectory::open(AT_FDCWD, temp.path().c_str());
  const auto names = dir->list();
  EXPECT_EQ(names->size(), 1u);
  out.file = read_whole(temp / names->name(0));
  return out;
}

std::unique_ptr<JoinedCache> open_bytes(const Bytes& file) {
  UniqueFd fd(::memfd_create("cache", MFD_CLOEXEC));
  EXPECT_EQ(::write(fd.get(), file.data(), file.size()), static_cast<ssize_t>(file.size()));
  CacheLogs logs;
  if (auto log = CacheLogReader::open_fd(std::move(fd), cache_key_digest(damage_key())))
    logs.push_back(std::move(log));
  return std::make_unique<JoinedCache>(std::move(logs));
}

// What is given must be right: a directory that claims to be complete holds all its rows, any other a
// beginning of them.
bool nothing_is_wrong(const Written& written, const Bytes& damaged) {
  const auto cache = open_bytes(damaged);
  if (const auto tree = cache->root_tree(); tree && *tree != kTree) return false;
  for (std::size_t d = 0; d < kPaths.size(); ++d) {
    const auto dir = cache->find(kPaths[d]);
    if (!dir) continue;
    const Rows& expected = written.rows[d];
    std::size_t i = 0;
    for (; const CachedRow* row = dir->current(); dir->next(), ++i) {
      if (i >= expected.size()) return false;
      if (row->name != expected[i].entry.name || row->type != expected[i].entry.type) return false;
      if (row->signature != expected[i].signature) return false;
      const Result<const Entry*> entry = dir->entry();
      if (entry && **entry != expected[i].entry) return false;
    }
    if (dir->tree() && (*dir->tree() != kTree || i != expected.size())) return false;
    if (dir->tree() && dir->page_ids() != std::vector{kTree, kTree}) return false;
  }
  return true;
}

TEST(CacheDamageTest, AFinishedCacheIsReadWhole) {
  const Written written = write_cache(1, true, 8);
  ASSERT_TRUE(nothing_is_wrong(written, written.file));
  const auto cache = open_bytes(written.file);
  EXPECT_EQ(cache->root_tree(), kTree);
  for (const std::string& path : kPaths)
    EXPECT_EQ(cache->find(path)->tree(), kTree);
}

TEST(CacheDamageTest, EveryDamageToAFinishedCache) {
  const Written written = write_cache(2, true, 3);
  EXPECT_TRUE(
      test::for_each_damage(written.file, [&](const Bytes& b) { return nothing_is_wrong(written, b); }));
}

TEST(CacheDamageTest, EveryDamageToACheckpoint) {
  const Written written = write_cache(3, false, 3);
  EXPECT_TRUE(
      test::for_each_damage(written.file, [&](const Bytes& b) { return nothing_is_wrong(written, b); }));
}

// Whatever a torn write left, all frames before it count.
TEST(CacheDamageTest, ATornTailKeepsWhatCameBefore) {
  const Written written = write_cache(4, false, 20);
  Bytes torn = written.file;
  torn.resize(torn.size() - 1);
  EXPECT_EQ(open_bytes(torn)->find("/r")->tree(), kTree);
  torn = written.file;
  torn.resize(torn.size() + 4096);  // zeros, as after a power cut
  EXPECT_EQ(open_bytes(torn)->find("/r")->tree(), kTree);
  EXPECT_TRUE(nothing_is_wrong(written, torn));
}

TEST(CacheDamageTest, RandomDamageToLargerCaches) {
  EXPECT_TRUE(rc::check([] {
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const bool finished = *rc::gen::arbitrary<bool>();
    const Written written = write_cache(seed, finished, *rc::gen::inRange(1, 700));
    RC_ASSERT(nothing_is_wrong(written, written.file));
    Bytes damaged = written.file;
    for (int i = *rc::gen::inRange(1, 6); i > 0; --i) {
      damaged[*rc::gen::inRange<std::size_t>(0, damaged.size())] ^= *rc::gen::inRange<std::uint8_t>(1, 255);
    }
    RC_ASSERT(nothing_is_wrong(written, damaged));
  }));
}

// A file that is cut while it is read: the directory stops being complete rather than seeming shorter.
TEST(CacheDamageTest, AFileCutUnderneathIsNoticed) {
  FormatValues values(5);
  const Written written = write_cache(6, true, 2000);
  UniqueFd fd(::memfd_create("cache", MFD_CLOEXEC));
  ASSERT_EQ(::write(fd.get(), written.file.data(), written.file.size()),
            static_cast<ssize_t>(written.file.size()));
  CacheLogs logs;
  logs.push_back(CacheLogReader::open_fd(UniqueFd(::dup(fd.get())), cache_key_digest(damage_key())));
  const JoinedCache cache(std::move(logs));
  const auto dir = cache.find("/r");
  ASSERT_EQ(dir->tree(), kTree);
  ASSERT_EQ(::ftruncate(fd.get(), 4096), 0);
  std::size_t rows = 0;
  for (; dir->current(); dir->next())
    ++rows;
  EXPECT_LT(rows, written.rows[0].size());
  EXPECT_EQ(dir->tree(), std::nullopt);
}

TEST(CacheDamageTest, SomebodyElsesFileIsNotRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const Written written = write_cache(7, true, 3);
  UniqueFd fd(::memfd_create("cache", MFD_CLOEXEC));
  ASSERT_EQ(::write(fd.get(), written.file.data(), written.file.size()),
            static_cast<ssize_t>(written.file.size()));
  ASSERT_EQ(::fchown(fd.get(), 1234, 1234), 0);
  EXPECT_EQ(CacheLogReader::open_fd(std::move(fd), cache_key_digest(damage_key())), nullptr);
}

}  // namespace
}  // namespace rb
