// The parts that a backup's time goes into, each by itself, so that a regression is found where it is.
// scan_bench has what needs many files.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/hash.h"
#include "chunk/block_codec.h"
#include "chunk/cutter.h"
#include "format/tree_page.h"
#include "repository/rocks_catalog.h"
#include "scan/file_cache.h"
#include "support/cached_pages.h"

namespace {

using namespace rb;

constexpr std::size_t kBufferBytes = 8 << 20;
constexpr int kPageEntries = 256;
constexpr int kCatalogBatch = 1000;
constexpr std::uint32_t kDomain = 1;

Bytes random_bytes(std::size_t size) {
  std::mt19937_64 numbers(1);
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes)
    byte = static_cast<std::uint8_t>(numbers());
  return bytes;
}

// Compresses about as source code does: words of a small vocabulary, the common ones often.
Bytes text_bytes(std::size_t size) {
  std::mt19937_64 numbers(2);
  std::geometric_distribution<int> word(0.004);
  Bytes bytes;
  while (bytes.size() < size) {
    const std::string next = fmt::format("w{:x} ", word(numbers) * 2654435761U);
    bytes.insert(bytes.end(), next.begin(), next.end());
  }
  bytes.resize(size);
  return bytes;
}

void count_bytes(benchmark::State& state, std::size_t each) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(each));
}
void count_items(benchmark::State& state, std::int64_t each) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * each);
}

void cut(benchmark::State& state) {
  const Bytes data = random_bytes(kBufferBytes);
  const Cutter cutter{ChunkParams{}};
  for (auto _ : state) {
    for (ByteView rest = data; !rest.empty();)
      rest = rest.subspan(cutter.next_cut(rest));
  }
  count_bytes(state, data.size());
}
BENCHMARK(cut);

void hash_object(benchmark::State& state) {
  const Bytes data = random_bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state)
    benchmark::DoNotOptimize(object_id(ObjectKind::chunk, {}, data));
  count_bytes(state, data.size());
}
BENCHMARK(hash_object)->Arg(200)->Arg(2 << 10)->Arg(16 << 10)->Arg(128 << 10);

// Objects of 16 KiB into blocks: copying, compressing, checking that it unpacks, the checksum.
void build_blocks(benchmark::State& state, const Bytes& data, CompressionOptions options) {
  constexpr std::size_t kObjectBytes = 16 << 10;
  BlockBuilder builder(BlockClass::data, options);
  std::size_t stored = 0;
  for (auto _ : state) {
    for (std::size_t at = 0; at < data.size(); at += kObjectBytes) {
      if (!builder.empty() && builder.full_for(kObjectBytes, 0)) stored += builder.finish().size();
      builder.add(ObjectId{}, ObjectKind::chunk, {}, ByteView(data).subspan(at, kObjectBytes));
    }
    stored += builder.finish().size();
  }
  count_bytes(state, data.size());
  state.counters["stored"] = static_cast<double>(stored) /
                             (static_cast<double>(state.iterations()) * static_cast<double>(data.size()));
}
void compress_text(benchmark::State& state) {
  build_blocks(state, text_bytes(kBufferBytes), {.level = static_cast<int>(state.range(0))});
}
BENCHMARK(compress_text)->Arg(1)->Arg(3)->Arg(6);
void compress_random(benchmark::State& state) {
  build_blocks(state, random_bytes(kBufferBytes), {});
}
BENCHMARK(compress_random);
void compress_off(benchmark::State& state) {
  build_blocks(state, text_bytes(kBufferBytes), {.off = true});
}
BENCHMARK(compress_off);

void open_block(benchmark::State& state) {
  const Bytes text = text_bytes(kBlockBytes / 2);
  BlockBuilder builder(BlockClass::data);
  builder.add(object_id(ObjectKind::chunk, {}, text), ObjectKind::chunk, {}, text);
  const Bytes block = builder.finish();
  BlockReader reader;
  for (auto _ : state) {
    if (!reader.open(block) || !reader.verify(0)) state.SkipWithError("the block can't be read");
  }
  count_bytes(state, text.size());
}
BENCHMARK(open_block);

Entry entry_of(int number) {
  Entry entry{.name = fmt::format("file-{:06}.txt", number),
              .mode = 0644,
              .uid = 1000,
              .gid = 1000,
              .user = "ana",
              .group = "ana"};
  entry.size = 12345;
  entry.mtime = {1'700'000'000 + number, 123'456'789};
  entry.content_kind = ContentKind::chunk;
  entry.content.bytes.fill(static_cast<std::uint8_t>(number));
  entry.content.bytes[0] = static_cast<std::uint8_t>(number >> 8);
  return entry;
}

TreePage page_of_entries() {
  TreePage page;
  for (int number = 0; number < kPageEntries; ++number)
    page.entries.push_back(entry_of(number));
  return page;
}

void encode_page(benchmark::State& state) {
  const TreePage page = page_of_entries();
  for (auto _ : state)
    benchmark::DoNotOptimize(encode_tree_page(page));
  count_items(state, kPageEntries);
}
BENCHMARK(encode_page);

void decode_page(benchmark::State& state) {
  const Object object = encode_tree_page(page_of_entries());
  for (auto _ : state) {
    if (!decode_tree_page(object.refs, object.payload)) state.SkipWithError("the page can't be decoded");
  }
  count_items(state, kPageEntries);
}
BENCHMARK(decode_page);

// A directory of its own below the system's, gone at the end.
class ScratchDirectory {
 public:
  ScratchDirectory() : path_((std::filesystem::temp_directory_path() / "micro-bench.XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What a run over unchanged files reads of the cache: find each directory, walk its rows.
void walk_cache(benchmark::State& state) {
  constexpr int kDirectories = 2000, kFilesEach = 20;
  const ScratchDirectory scratch;
  const CacheKey key{.node = "node", .root_path = "/"};
  const auto directory = [](int i) { return fmt::format("/usr/d{:05}", i); };
  ObjectId tree;
  tree.bytes.fill(1);
  {
    const auto writer = create_file_cache(scratch.path(), key);
    for (int i = 0; i < kDirectories; ++i) {
      test::CachedPages rows(*writer, directory(i));
      for (int f = 0; f < kFilesEach; ++f)
        rows.add(entry_of(f), {.size = 12345, .inode = 1, .trusted = true});
      rows.close(tree, {tree});
    }
    if (!writer->finish(tree)) return state.SkipWithError("the cache can't be written");
  }
  const auto cache = open_file_cache(scratch.path(), key);
  for (auto _ : state) {
    int rows = 0;
    for (int i = 0; i < kDirectories; ++i) {
      const auto found = cache->find(directory(i));
      for (; found != nullptr && found->current() != nullptr; found->next())
        ++rows;
    }
    if (rows != kDirectories * kFilesEach) return state.SkipWithError("rows are missing");
  }
  count_items(state, kDirectories * kFilesEach);
}
BENCHMARK(walk_cache)->Unit(benchmark::kMillisecond);

ObjectId id_of(std::uint64_t number) {
  const ByteView bytes(reinterpret_cast<const std::uint8_t*>(&number), sizeof number);
  return ObjectId::from(hash(bytes).view());
}

Status add_batch(Catalog& catalog, std::uint64_t first) {
  CatalogBatch batch;
  for (std::uint64_t number = first; number < first + kCatalogBatch; ++number) {
    CatalogObject object{.domain = kDomain, .id = id_of(number), .row = {}, .children = {}};
    object.row.number = number;
    object.row.at = {.pack = 1 + number / 100'000, .offset = number * 1000};
    batch.objects.push_back(std::move(object));
  }
  std::sort(batch.objects.begin(), batch.objects.end(),
            [](const CatalogObject& a, const CatalogObject& b) { return a.id < b.id; });
  batch.next_number = first + kCatalogBatch;
  return catalog.apply(batch);
}

std::unique_ptr<Catalog> new_catalog(const ScratchDirectory& scratch) {
  auto catalog = open_rocks_catalog(scratch.path() + "/catalog");
  RepositoryId repository;
  repository.bytes.fill(4);
  if (!catalog || !(*catalog)->clear(repository)) return nullptr;
  return std::move(*catalog);
}

void apply_catalog(benchmark::State& state) {
  const ScratchDirectory scratch;
  const auto catalog = new_catalog(scratch);
  if (!catalog) return state.SkipWithError("no catalog");
  std::uint64_t next = 1;
  for (auto _ : state) {
    if (!add_batch(*catalog, next)) return state.SkipWithError("the batch was not applied");
    next += kCatalogBatch;
  }
  count_items(state, kCatalogBatch);
}
BENCHMARK(apply_catalog)->Unit(benchmark::kMillisecond);

// Look-ups of ids that are there (hit) or not, which is a first backup's usual case.
void find_in_catalog(benchmark::State& state, bool hit) {
  constexpr std::uint64_t kObjects = 300'000;
  const ScratchDirectory scratch;
  const auto catalog = new_catalog(scratch);
  if (!catalog) return state.SkipWithError("no catalog");
  for (std::uint64_t first = 1; first < kObjects; first += kCatalogBatch) {
    if (!add_batch(*catalog, first)) return state.SkipWithError("the batch was not applied");
  }
  std::uint64_t next = 1;
  for (auto _ : state) {
    std::vector<ObjectId> ids;
    for (int i = 0; i < kCatalogBatch; ++i, next += 7919)
      ids.push_back(id_of(1 + next % kObjects + (hit ? 0 : 10 * kObjects)));
    const auto rows = catalog->find(kDomain, ids);
    if (!rows || rows->front().has_value() != hit) return state.SkipWithError("the wrong answer");
  }
  count_items(state, kCatalogBatch);
}
BENCHMARK_CAPTURE(find_in_catalog, hit, true)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(find_in_catalog, miss, false)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
