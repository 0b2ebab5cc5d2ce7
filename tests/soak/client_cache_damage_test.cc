// The client's cache, damaged at random before a run: the snapshot is the one that a run without a cache
// makes, whole and with nothing carried over that has changed.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "backup/backup.h"
#include "base/random.h"
#include "restore/history.h"
#include "soak/damage.h"
#include "soak/memory_image.h"
#include "soak/trials.h"
#include "store/object_reader.h"
#include "support/temp_directory.h"

namespace rb::test {
namespace {

namespace fs = std::filesystem;

constexpr int kDirectories = 12, kFiles = 10;

std::string noise(unsigned seed, std::size_t bytes) {
  std::mt19937 random(seed);
  std::string out(bytes, '\0');
  for (char& c : out)
    c = static_cast<char>(random());
  return out;
}

// Until files written before now have a ctime that the rule of trust believes.
void let_times_settle() {
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

struct ClientCacheTally {
  std::uint64_t files = 0, changed_tree = 0, same_tree = 0, read_again = 0;
};

// A repository after the first run, with its cache; the tree has moved on since. And the same after a second
// run, which leaves nothing to do.
class Bench {
 public:
  struct State {
    MemoryImage image;
    std::string cache;
    ObjectId root;                    // of the copy that the next run has to make
    std::uint64_t bytes_to_read = 0;  // by a run with a sound cache
  };

  Bench() {
    write_tree();
    let_times_settle();
    MemoryImage image;
    EXPECT_TRUE(image.open());
    back_up(image, first_cache());
    image.close();
    changed_.emplace_back(State{.image = image, .cache = first_cache(), .root = {}});
    change_tree();
    let_times_settle();
    EXPECT_TRUE(image.open());
    copy_cache(first_cache(), second_cache());
    const auto second = back_up(image, second_cache());
    image.close();
    unchanged_.emplace_back(State{.image = image, .cache = second_cache(), .root = second.root});
    for (State* state : {&changed_[0], &unchanged_[0]})
      settle(*state);
    EXPECT_EQ(changed_[0].root, unchanged_[0].root);
    EXPECT_EQ(changed_[0].root, second.root);
  }
  const State& changed() const { return changed_[0]; }
  const State& unchanged() const { return unchanged_[0]; }

  struct Made {
    ObjectId root;
    std::uint64_t bytes_read = 0;
  };
  Made back_up(MemoryImage& image, const std::string& cache) const {
    const auto store = image.repository().store_for(LocalUser{.uid = 100'001, .name = "ana"});
    EXPECT_TRUE(store);
    BackupOptions options;
    options.paths = {tree()};
    options.recursive = options.remove_absent = options.force = true;
    options.recheck_bytes = 0;
    options.cache_directory = cache;
    options.threads = 1;
    const SystemClock clock;
    const auto report = BackupRun(**store, options, {}, clock).run();
    if (!report) {
      ADD_FAILURE() << report.error().message;
      return {};
    }
    EXPECT_FALSE(report->incomplete);
    Made made{.root = {}, .bytes_read = report->counts.bytes_read};
    const auto session = (*store)->begin({.run = random_id<RunId>(), .purpose = SessionPurpose::read});
    EXPECT_TRUE(session);
    ObjectReader objects(**session);
    const auto snapshot = load_snapshot(objects, *report->snapshot);
    EXPECT_TRUE(snapshot) << snapshot.error().message;
    if (snapshot) made.root = snapshot->root;
    return made;
  }
  // Whether the head holds the tree to the byte.
  void expect_whole(MemoryImage& image) const {
    const auto store = image.repository().store_for(LocalUser{.uid = 100'001, .name = "ana"});
    const auto session = (*store)->begin({.run = random_id<RunId>(), .purpose = SessionPurpose::read});
    ASSERT_TRUE(session);
    ObjectReader objects(**session);
    const auto snapshot = load_snapshot(objects, (*session)->info().head.value());
    ASSERT_TRUE(snapshot);
    std::size_t files = 0;
    const Status visited = visit_entries(
        objects, *snapshot, tree(), true, [&](const std::string& path, const Entry& entry) -> Status {
          if (entry.type != EntryType::file) return {};
          std::string text;
          ++files;
          RB_TRY(read_content(**session, entry, [&](ByteView bytes) -> Status {
            text += as_text(bytes);
            return {};
          }));
          std::ifstream file(path, std::ios::binary);
          EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(file), {})) << path;
          return {};
        });
    EXPECT_TRUE(visited) << visited.error().message;
    EXPECT_EQ(files, files_);
  }
  static void copy_cache(const std::string& from, const std::string& to) {
    fs::copy(from, to, fs::copy_options::recursive);
  }

 private:
  std::string tree() const { return directory_ / "tree"; }
  std::string first_cache() const { return directory_ / "cache-1"; }
  std::string second_cache() const { return directory_ / "cache-2"; }

  void write(const std::string& name, const std::string& content) const {
    fs::create_directories(fs::path(tree() + "/" + name).parent_path());
    std::ofstream(tree() + "/" + name, std::ios::binary | std::ios::trunc) << content;
  }
  static std::string name_of(int directory, int file) {
    return fmt::format("d{}/e{}/f{}", directory % 4, directory, file);
  }
  void write_tree() {
    for (int d = 0; d < kDirectories; ++d) {
      for (int f = 0; f < kFiles; ++f)
        write(name_of(d, f), noise(static_cast<unsigned>(d * kFiles + f), f == 0 ? 30'000 : 700));
    }
  }
  // Contents of the same size, new and removed files, a new directory.
  void change_tree() {
    for (int d = 0; d < kDirectories; d += 3)
      write(name_of(d, 1), noise(static_cast<unsigned>(1000 + d), 700));
    fs::remove(tree() + "/" + name_of(1, 2));
    fs::remove_all(tree() + "/d2/e2");
    write("d3/new/file", "new");
    for (const auto& entry : fs::recursive_directory_iterator(tree()))
      files_ += entry.is_regular_file();
  }

  // What a run without a cache makes of it, and how much one with the whole cache reads.
  void settle(State& state) {
    MemoryImage without(state.image), with(state.image);
    EXPECT_TRUE(without.open() && with.open());
    state.root = back_up(without, "").root;
    expect_whole(without);
    const std::string cache = directory_ / "cache-whole";
    copy_cache(state.cache, cache);
    const Made made = back_up(with, cache);
    EXPECT_EQ(made.root, state.root);
    state.bytes_to_read = made.bytes_read;
    fs::remove_all(cache);
  }

  TempDirectory directory_;
  std::size_t files_ = 0;
  std::vector<State> changed_, unchanged_;  // one each
};

void damage_cache(const std::string& directory, Damager& damager, std::string& story,
                  ClientCacheTally& tally) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  if (files.empty()) return;  // the last damage was the loss of all
  const fs::path& path = damager.one_of(files);
  std::ifstream file(path, std::ios::binary);
  const Bytes before{std::istreambuf_iterator<char>(file), {}};
  file.close();
  const auto now = damager.damage(before);
  story += path.filename().string() + ": " + damager.what();
  ++tally.files;
  fs::remove(path);
  if (!now) return;
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(now->data()), static_cast<std::streamsize>(now->size()));
  out.close();
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
}

void try_one(const Bench& bench, std::uint64_t seed, ClientCacheTally& tally) {
  Damager damager(seed);
  const bool changed = damager.one_in(2);
  const Bench::State& state = changed ? bench.changed() : bench.unchanged();
  ++(changed ? tally.changed_tree : tally.same_tree);
  const TempDirectory scratch;
  const std::string cache = scratch / "cache";
  Bench::copy_cache(state.cache, cache);
  std::string story = changed ? "the tree has changed; " : "nothing has changed; ";
  for (int i = damager.one_in(3) ? 3 : 1; i > 0; --i)
    damage_cache(cache, damager, story, tally);
  SCOPED_TRACE(story);
  MemoryImage image(state.image);
  ASSERT_TRUE(image.open());
  const Bench::Made made = bench.back_up(image, cache);
  EXPECT_EQ(made.root, state.root);
  tally.read_again += made.bytes_read > state.bytes_to_read;
  if (seed % 16 == 0 || made.root != state.root) bench.expect_whole(image);
  // The cache that the run has written is a good one again.
  EXPECT_EQ(bench.back_up(image, cache).root, state.root);
}

TEST(ClientCacheDamageTest, NeverMakesAWrongOrIncompleteSnapshot) {
  const Bench bench;
  if (testing::Test::HasFailure()) return;
  ClientCacheTally tally;
  const std::uint64_t trials = run_trials(20, [&](std::uint64_t seed) { try_one(bench, seed, tally); });
  EXPECT_GT(tally.read_again, 0u);
  fmt::print(
      "{} trials on client caches, {} times damaged ({} with a changed tree, {} with the same): all "
      "snapshots are what a run without a cache makes; {} runs read files again.\n",
      trials, tally.files, tally.changed_tree, tally.same_tree, tally.read_again);
}

}  // namespace
}  // namespace rb::test
