// How fast the scan layer is at what a run over unchanged files does: list, stat, read cached rows. Prints
// nanoseconds of processor time an item. usage: scan_bench [DIRECTORY-TO-MAKE-FILES-IN]
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "scan/file_cache.h"
#include "scan/glob.h"
#include "scan/metadata.h"
#include "support/cached_pages.h"

namespace {

using namespace rb;

constexpr int kNames = 200'000;
constexpr int kDirectories = 100'000;
constexpr int kFilesEach = 10;

double cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Processor time, which other programs on the machine disturb less than the time that passes.
template <typename Work>
void measure(const char* what, double items, const Work& work) {
  const double begin = cpu_seconds();
  work();
  const double took = cpu_seconds() - begin;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print("{:45} {:9.1f} ns each {:8.3f} s, peak so far {} MiB\n", what, took * 1e9 / items, took,
             usage.ru_maxrss / 1024);
}

void must(bool ok, const char* what) {
  if (ok) return;
  fmt::print(stderr, "{} failed\n", what);
  std::exit(1);
}

void bench_directory(const std::string& path) {
  must(::mkdir(path.c_str(), 0700) == 0, "mkdir");
  const Result<OpenDirectory> dir = OpenDirectory::open(AT_FDCWD, path.c_str());
  must(dir.has_value(), "opening");
  measure("making files", kNames, [&] {
    for (int i = 0; i < kNames; ++i) {
      must(::mknodat(dir->fd(), fmt::format("file-{}.txt", i).c_str(), S_IFREG | 0600, 0) == 0, "mknod");
    }
  });
  NameList names;
  for (int round = 0; round < 2; ++round)
    measure("list, per name", kNames, [&] { names = *dir->list(); });
  measure("stat", kNames, [&] {
    for (std::size_t i = 0; i < names.size(); ++i)
      must(dir->stat(names.name(i).data()).has_value(), "stat");
  });
  MetadataReader reader;
  const auto sink = [](ByteView) -> Result<ObjectId> { return ObjectId{}; };
  const FileStat stat = *dir->stat(names.name(0).data());
  measure("metadata of a new file", kNames / 10, [&] {
    for (std::size_t i = 0; i < kNames / 10; ++i) {
      must(reader.read(*dir, names.name(i).data(), stat, sink).has_value(), "reading metadata");
    }
  });
  measure("removing files", kNames, [&] {
    for (std::size_t i = 0; i < names.size(); ++i)
      ::unlinkat(dir->fd(), names.name(i).data(), 0);
  });
  ::rmdir(path.c_str());
}

Entry entry_of(std::string name) {
  Entry e{.name = std::move(name), .mode = 0644, .uid = 1000, .gid = 1000, .user = "ana", .group = "ana"};
  e.size = 12345;
  e.mtime = {1'700'000'000, 123'456'789};
  e.content_kind = ContentKind::chunk;
  e.content.bytes.fill(3);
  return e;
}

void bench_cache(const std::string& path) {
  const CacheKey key{.node = "node", .root_path = "/"};
  const auto directory = [](int i) { return fmt::format("/usr/share/d{}", i); };
  const Signature signature{
      .size = 12345, .inode = 1, .mtime = {1'700'000'000, 1}, .ctime = {1'700'000'001, 2}, .trusted = true};
  Entry entry = entry_of("");
  constexpr double kRows = double{kDirectories} * kFilesEach;
  ObjectId tree;
  tree.bytes.fill(1);
  {
    const auto writer = create_file_cache(path, key);
    measure("cache: write, per row", kRows, [&] {
      // The parent, whose rows name all the directories.
      test::CachedPages parent(*writer, "/usr/share");
      std::vector<std::string> names;
      for (int i = 0; i < kDirectories; ++i)
        names.push_back(fmt::format("d{}", i));
      std::sort(names.begin(), names.end());
      for (const std::string& name : names) {
        Entry sub{
            .name = name, .type = EntryType::directory, .content_kind = ContentKind::tree, .content = tree};
        parent.add(sub, signature);
      }
      parent.close(tree, {tree});
      for (int i = 0; i < kDirectories; ++i) {
        test::CachedPages dir(*writer, directory(i));
        for (int f = 0; f < kFilesEach; ++f) {
          entry.name = fmt::format("file-{}.txt", f);
          dir.add(entry, signature);
        }
        dir.close(tree, {tree});
      }
      must(writer->finish(tree).has_value(), "finish");
    });
  }
  std::unique_ptr<FileCache> cache;
  measure("cache: open", 1, [&] { cache = open_file_cache(path, key); });
  measure("cache: find, per directory", kDirectories, [&] {
    for (int i = 0; i < kDirectories; ++i)
      must(cache->find(directory(i)) != nullptr, "find");
  });
  std::uint64_t rows = 0;
  measure("cache: find and walk, per row", kRows, [&] {
    for (int i = 0; i < kDirectories; ++i) {
      const auto dir = cache->find(directory(i));
      for (; dir->current(); dir->next())
        ++rows;
    }
  });
  must(rows == kRows, "walking");
  const auto large = cache->find("/usr/share");
  measure("cache: walk a large directory, per row", kDirectories, [&] {
    for (; large->current(); large->next())
      ++rows;
  });
  measure("cache: carry over, per directory", kDirectories, [&] {
    const auto writer = create_file_cache(path, key);
    writer->carry_over(*cache, "/usr/share");
    must(writer->finish(tree).has_value(), "finish");
  });
}

}  // namespace

int main(int argc, char** argv) {
  std::string path = std::string(argc > 1 ? argv[1] : "/tmp") + "/scan-bench.XXXXXX";
  must(::mkdtemp(path.data()) != nullptr, "mkdtemp");
  bench_cache(path + "/cache");
  bench_directory(path + "/files");
  fmt::print("left in {}\n", path);
}
