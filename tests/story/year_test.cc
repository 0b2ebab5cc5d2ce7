// A year of daily backups of five nodes with growing and churning trees: retention and garbage collection
// every night, a crash and a flipped sector every week, and at the end every snapshot that is kept is what
// was backed up that day. All in memory: the disk is one that forgets what was not synced, and the clock is
// ours.
//
//   RB_YEAR_DAYS=366 RB_YEAR_SEED=7 story_tests
#include <chrono>
#include <cstdlib>
#include <random>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "check/structure_check.h"
#include "gc/collector.h"
#include "repository/repository_core.h"
#include "store/object_reader.h"
#include "support/registry_fixture.h"
#include "support/stored_tree.h"

namespace rb::test {
namespace {

constexpr int kNodes = 5;
constexpr std::uint64_t kPackBytes = 256 << 10;
constexpr auto kDay = std::chrono::hours(24);

int number_from_environment(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::atoi(text) : otherwise;
}

class Year : public testing::Test {
 protected:
  struct Backup {
    int day = 0;
    ObjectId root;  // of what the node's tree was that day
  };
  struct Node {
    std::string name;
    Credential credential;
    StoredTree tree;
    std::vector<std::string> files;
    std::map<SnapshotId, Backup> acknowledged;
  };
  struct Tally {
    int crashes = 0, rebuilds = 0, flips = 0, corrected = 0;
    std::uint64_t backups = 0, pruned = 0, objects_freed = 0, packs_unlinked = 0, bytes_sent = 0;
  };

  void SetUp() override {
    clock_ = std::make_unique<MovingClock>();
    fs_ = std::make_unique<FakeFileSystem>();
    catalog_ = std::make_shared<MemoryCatalogLog>();
    options_.clock = clock_.get();
    options_.take_lock = false;
    options_.pack_bytes_max = kPackBytes;
    options_.retention.standard = parse_retention_policy("daily=7 weekly=5 monthly=12").value();
    options_.retention.undelete_for = std::chrono::hours(24) * 3;
    open();
    for (int i = 0; i < kNodes; ++i)
      join(i);
  }

  void open() {
    repository_.reset();
    options_.file_system = fs_.get();
    options_.make_catalog = [log = catalog_]() -> Result<std::unique_ptr<Catalog>> {
      return std::make_unique<MemoryCatalog>(log);
    };
    auto opened = LocalRepository::open(kFakeDirectory, options_);
    ASSERT_TRUE(opened) << opened.error().message;
    repository_ = std::move(*opened);
    keeper_ = std::make_unique<PackKeeper>(repository_->core(), 5);
    ASSERT_TRUE(finish_sweep(repository_->core(), never_));
  }

  void join(int number) {
    auto node = std::make_unique<Node>();
    node->name = fmt::format("node{}", number);
    const auto invitation = repository_->registry().invite({.node = node->name});
    ASSERT_TRUE(invitation);
    node->credential = random_credential();
    ASSERT_TRUE(repository_->registry().join({invitation->secret, node->credential}));
    for (int i = 0; i < 20; ++i)
      add_file(*node);
    nodes_.push_back(std::move(node));
  }

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  std::string noise() {
    std::string text(500 + below(6000), '\0');
    for (char& c : text)
      c = static_cast<char>(random_());
    return text;
  }
  void add_file(Node& node) {
    node.files.push_back(fmt::format("/d{}/f{}", below(4), ++last_file_));
    node.tree.file(node.files.back(), noise());
  }
  // Some are rewritten, some go, more come; every node has some content in common with others.
  void churn(Node& node) {
    for (int i = 0; i < 2; ++i)
      node.tree.file(node.files[below(node.files.size())], noise());
    if (below(3) == 0) {
      const std::size_t gone = below(node.files.size());
      node.tree.remove(node.files[gone]);
      node.files.erase(node.files.begin() + static_cast<std::ptrdiff_t>(gone));
    }
    if (below(2) == 0) add_file(node);
    node.tree.file("/today", fmt::format("{} of {}", day_, node.name));
  }

  std::unique_ptr<Store> store_of(const Node& node) {
    const auto caller = repository_->registry().authenticate(node.credential);
    if (!caller) return nullptr;
    auto store = repository_->store_for(*caller);
    return store ? std::move(*store) : nullptr;
  }

  static Result<Snapshot> read_snapshot(ObjectReader& objects, const SnapshotInfo& info) {
    RB_TRY(const auto object, objects.load(info.object));
    return decode_snapshot(object->refs, object->payload);
  }

  Status back_up(Node& node) {
    const std::unique_ptr<Store> store = store_of(node);
    if (!store) return fail(Errc::unavailable, "the server is gone");
    RB_TRY(const SnapshotInfo made, node.tree.commit(*store));
    RB_TRY(const std::unique_ptr<Session> session, store->begin({.run = random_id<RunId>()}));
    ObjectReader objects(*session);
    RB_TRY(const Snapshot snapshot, read_snapshot(objects, made));
    node.acknowledged[made.id] = {day_, snapshot.root};
    ++tally_.backups;
    return {};
  }

  Status collect() {
    CollectionOptions options;
    options.grace = options_.retention.undelete_for;
    RB_TRY(const CollectionReport report, run_collection(repository_->core(), options, never_));
    tally_.objects_freed += report.dead;
    tally_.packs_unlinked += report.packs_unlinked;
    return {};
  }

  Status night() {
    RB_TRY(const std::vector<PrunedNode> pruned, repository_->history().prune({}));
    for (const PrunedNode& node : pruned)
      tally_.pruned += node.deleted;
    RB_TRY(collect());
    return look_after_packs();
  }

  // Gaps are what crashes tore before it was acknowledged; whether anything is lost, reading everything
  // tells.
  Status look_after_packs() {
    Pace pace;
    for (const std::uint64_t pack : repository_->core().packs().sealed_packs()) {
      RB_TRY(const PackOutcome outcome, keeper_->look_after(pack, Thoroughness::parity, pace));
      tally_.corrected += outcome.corrected_sectors > 0;
    }
    return {};
  }

  // Whatever is under way is cut at some operation; the machine comes back with what was on the disk.
  void crash_during(const std::function<Status()>& work) {
    fs_->crash_after(below(60));
    (void)work();
    repository_.reset();
    constexpr Survival kSurvivals[] = {Survival::none, Survival::all, Survival::some, Survival::torn};
    auto after = fs_->reopen(kSurvivals[below(4)], random_());
    keeper_.reset();
    fs_ = std::move(after);
    ++tally_.crashes;
    if (below(4) == 0) {
      *catalog_ = {};
      ++tally_.rebuilds;
    }
    open();
  }

  // In a sealed pack that has its parity.
  void flip_a_sector() {
    std::vector<std::uint64_t> packs;
    for (const std::uint64_t pack : repository_->core().packs().sealed_packs()) {
      if (keeper_->has_parity(pack)) packs.push_back(pack);
    }
    if (packs.empty()) return;
    const std::string path = repository_->core().packs().path(packs[below(packs.size())]);
    const std::uint64_t sectors = fs_->contents(path)->size() / 512;
    fs_->flip_bit(path, (below(sectors) * 512 + below(512)) * 8 + below(8));
    ++tally_.flips;
  }

  void live_through(int day) {
    day_ = day;
    clock_->now += kDay;
    const bool crashes = day % 7 == 3, flips = day % 7 == 5;
    if (flips) flip_a_sector();
    const std::uint64_t victim = below(kNodes + 1);
    for (int i = 0; i < kNodes; ++i) {
      Node& node = *nodes_[static_cast<std::size_t>(i)];
      churn(node);
      if (crashes && victim == static_cast<std::uint64_t>(i)) crash_during([&] { return back_up(node); });
      const Status done = back_up(node);
      ASSERT_TRUE(done) << "day " << day << ", " << node.name << ": " << done.error().message;
    }
    if (crashes && victim == kNodes) crash_during([&] { return night(); });
    const Status done = night();
    ASSERT_TRUE(done) << "night of day " << day << ": " << done.error().message;
  }

  // Every snapshot in the node's history, whole, each object by its id.
  void expect_history_to_be_exact(Node& node) {
    const auto store = store_of(node);
    ASSERT_TRUE(store);
    const auto session = store->begin({.run = random_id<RunId>()});
    ASSERT_TRUE(session) << session.error().message;
    const auto kept = (*session)->snapshots({});
    ASSERT_TRUE(kept) << kept.error().message;
    ObjectReader objects(**session);
    std::set<ObjectId> seen;
    std::set<int> days;
    for (const SnapshotInfo& info : *kept) {
      if (info.gone_after) continue;  // deleted, and could come back for some days
      const auto snapshot = read_snapshot(objects, info);
      ASSERT_TRUE(snapshot) << snapshot.error().message;
      const auto known = node.acknowledged.find(info.id);
      if (known == node.acknowledged.end()) continue;  // its answer was lost in a crash
      EXPECT_EQ(snapshot->root, known->second.root) << node.name << ", day " << known->second.day;
      days.insert(known->second.day);
      read_all_beneath(objects, info.object, seen);
    }
    for (int day = day_; day > day_ - 7; --day)
      EXPECT_TRUE(days.contains(day)) << node.name << " lacks day " << day;
    EXPECT_GE(static_cast<int>(days.size()), 7 + std::min(day_ / 31, 12) - 1);
    EXPECT_LE(days.size(), 7u + 5u + 13u + 3u);
    kept_ += days.size();
    read_ += seen.size();
  }
  void read_all_beneath(ObjectReader& objects, const ObjectId& top, std::set<ObjectId>& seen) {
    std::vector<ObjectId> left{top};
    while (!left.empty()) {
      const ObjectId id = left.back();
      left.pop_back();
      if (!seen.insert(id).second) continue;
      const auto object = objects.load(id);
      ASSERT_TRUE(object) << object.error().message;
      left.insert(left.end(), (*object)->refs.begin(), (*object)->refs.end());
    }
  }

  void expect_check_to_find_nothing() {
    ReadLog log(*fs_, std::string(kFakeDirectory) + "/read-log");
    DataCheck data(repository_->core(), *keeper_, log);
    Pace pace;
    CheckProgress progress;
    StructureCheckReport structure;
    ASSERT_TRUE(check_structure(repository_->core(), data, pace, progress, structure));
    DataCheckReport contents;
    ASSERT_TRUE(data.read_all(Thoroughness::records, pace, progress, contents));
    for (const Findings* findings : {&structure.findings, &contents.findings}) {
      for (const Finding& finding : findings->list)
        EXPECT_FALSE(is_damage(finding.kind)) << finding.where << ": " << finding.what;
    }
  }

  const std::atomic<bool> never_{false};
  std::unique_ptr<MovingClock> clock_;
  std::unique_ptr<FakeFileSystem> fs_;
  std::shared_ptr<MemoryCatalogLog> catalog_;
  RepositoryOptions options_;
  std::unique_ptr<LocalRepository> repository_;
  std::unique_ptr<PackKeeper> keeper_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::mt19937_64 random_{static_cast<std::uint64_t>(number_from_environment("RB_YEAR_SEED", 1))};
  int day_ = 0, last_file_ = 0;
  std::uint64_t kept_ = 0, read_ = 0;
  Tally tally_;
};

TEST_F(Year, EverySnapshotThatIsKeptIsExact) {
  const int days = number_from_environment("RB_YEAR_DAYS", 60);
  const auto began = std::chrono::steady_clock::now();
  for (int day = 1; day <= days; ++day) {
    live_through(day);
    if (HasFatalFailure()) return;
  }
  for (const auto& node : nodes_)
    expect_history_to_be_exact(*node);
  expect_check_to_find_nothing();
  EXPECT_GT(tally_.pruned, 0u);
  EXPECT_GT(tally_.objects_freed, 0u);
  EXPECT_GT(tally_.packs_unlinked, 0u);
  EXPECT_GT(tally_.corrected, 0);
  fmt::print(
      "{} nodes, {} days, seed {}: {} backups, {} pruned; {} objects and {} packs freed; {} crashes, {} of "
      "them without the catalog; {} sectors flipped, {} packs corrected. {} snapshots kept and compared, {} "
      "objects read, {} MiB stored. {:.0f} seconds.\n",
      kNodes, days, number_from_environment("RB_YEAR_SEED", 1), tally_.backups, tally_.pruned,
      tally_.objects_freed, tally_.packs_unlinked, tally_.crashes, tally_.rebuilds, tally_.flips,
      tally_.corrected, kept_, read_, repository_->core().packs().stored_bytes() >> 20,
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
}

}  // namespace
}  // namespace rb::test
