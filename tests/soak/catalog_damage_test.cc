// The catalog as it lies on a disk, damaged at random: the repository opens, and whatever is wrong with it is
// noticed, at the start or when it is read, and after a start at the latest all is as it was.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "soak/damage.h"
#include "soak/small_history.h"
#include "soak/trials.h"
#include "support/store_samples.h"
#include "support/temp_directory.h"

namespace rb::test {
namespace {

namespace fs = std::filesystem;

struct CatalogTally {
  std::uint64_t files = 0, rebuilt_at_once = 0, rebuilt_later = 0, harmless = 0;
};

Bytes read_whole(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_whole(const fs::path& path, const Bytes& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// So that most of the catalog is read by nobody at the start.
void upload_many(LocalRepository& repository) {
  const auto store = repository.store_for(LocalUser{.uid = 100'001, .name = "zoe"});
  ASSERT_TRUE(store);
  const auto session = (*store)->begin({.run = make_run(1)});
  ASSERT_TRUE(session);
  for (int block = 0; block < 6; ++block) {
    std::vector<NamedObject> chunks;
    for (int i = 0; i < 500; ++i)
      chunks.push_back(make_chunk(fmt::format("chunk {} of {}", i, block)));
    ASSERT_TRUE((*session)->put(make_block(chunks)));
  }
  ASSERT_TRUE((*session)->flush());
}

struct Base {
  TempDirectory directory;
  SmallHistory history{11};
  std::string path() const { return directory / "repository"; }

  Base() {
    for (int day = 0; day < 3; ++day) {
      auto opened = LocalRepository::open(path(), {});
      EXPECT_TRUE(opened) << opened.error().message;
      if (!opened) return;
      if (day == 0) {
        history.join(**opened, "ana");
        history.join(**opened, "ben", "family");
        upload_many(**opened);
      }
      history.live_through_a_day(**opened);
    }
  }
};

class CatalogTrial {
 public:
  CatalogTrial(std::uint64_t seed, const Base& base, CatalogTally& tally)
      : damager_(seed), base_(base), tally_(tally) {
    fs::copy(base.path(), path(), fs::copy_options::recursive);
  }

  void run() {
    for (int i = damager_.one_in(3) ? 2 : 1; i > 0; --i)
      damage_a_file();
    SCOPED_TRACE(story_);
    const bool rebuilt_at_once = expect_right_or_noticed();
    if (testing::Test::HasFailure()) return;
    if (rebuilt_at_once) ++tally_.rebuilt_at_once;
    if (!noticed_) {
      tally_.harmless += !rebuilt_at_once;
      return;
    }
    ++tally_.rebuilt_later;
    noticed_ = false;
    SCOPED_TRACE("at the next start");
    EXPECT_TRUE(expect_right_or_noticed()) << "it is not made anew";
    EXPECT_FALSE(noticed_);
  }

 private:
  std::string path() const { return directory_ / "repository"; }

  void damage_a_file() {
    std::vector<fs::path> files, tables;
    for (const auto& entry : fs::directory_iterator(path() + "/catalog")) {
      files.push_back(entry.path());
      if (entry.path().extension() == ".sst") tables.push_back(entry.path());
    }
    std::ranges::sort(files);
    std::ranges::sort(tables);
    const fs::path file = damager_.one_of(tables.empty() || damager_.one_in(3) ? files : tables);
    const Bytes before = read_whole(file);
    if (before.empty()) return;
    const auto now = damager_.damage(before);
    story_ += file.filename().string() + ": " + damager_.what();
    ++tally_.files;
    if (now) {
      write_whole(file, *now);
    } else {
      fs::remove(file);
    }
  }

  // Gives whether the catalog was made anew.
  bool expect_right_or_noticed() {
    const auto opened = LocalRepository::open(path(), {});
    EXPECT_TRUE(opened) << opened.error().message;
    if (!opened) return false;
    LocalRepository& repository = **opened;
    const Reading reading = base_.history.read(repository);
    EXPECT_EQ(reading.wrong, "");
    if (reading.unreadable == 0) {
      EXPECT_EQ(reading.whole, base_.history.snapshots());
    }
    PackKeeper keeper(repository.core(), kSoakParityPercent);
    const FullCheck check = check_everything(repository, keeper, directory_ / "last-read");
    noticed_ = reading.unreadable > 0 || !check.done || check.damage > 0;
    return repository.report().catalog_rebuilt;
  }

  Damager damager_;
  const Base& base_;
  CatalogTally& tally_;
  TempDirectory directory_;
  std::string story_;
  bool noticed_ = false;
};

TEST(CatalogDamageTest, IsNoticedAndTheCatalogMadeAnew) {
  const Base base;
  CatalogTally tally;
  const std::uint64_t trials =
      run_trials(10, [&](std::uint64_t seed) { CatalogTrial(seed, base, tally).run(); });
  fmt::print(
      "{} trials on catalogs, {} files damaged: made anew at the start {}, when it was read {}, of no "
      "consequence "
      "{}.\n",
      trials, tally.files, tally.rebuilt_at_once, tally.rebuilt_later, tally.harmless);
}

}  // namespace
}  // namespace rb::test
