// Runs of several clients of one node, interleaved at random: afterwards each commit is what the three-way
// merge's model (support/merge_model.h) makes of the run's base, the head it met and what the run saw; and
// what it saw is what was on the disk when it looked.
#include <algorithm>
#include <thread>

#include <rapidcheck.h>

#include "format/snapshot.h"
#include "support/backup_bench.h"
#include "support/gate.h"
#include "support/merge_model.h"

namespace rb::test {
namespace {

// A run on a thread of its own, which stops before it begins, before it walks and before it commits, until
// told.
class SteppedRun {
 public:
  explicit SteppedRun(std::function<void(SteppedRun&)> run)
      : thread_([this, run = std::move(run)] {
          pause();
          run(*this);
          const std::lock_guard lock(mutex_);
          finished_ = true;
          changed_.notify_all();
        }) {}

  // Called by the run.
  void pause() {
    std::unique_lock lock(mutex_);
    ++reached_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return allowed_ >= reached_; });
  }
  // Lets the run go on to its next stop, or to its end.
  void step() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return finished_ || reached_ > allowed_; });
    const int next = ++allowed_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return finished_ || reached_ > next; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int allowed_ = 0, reached_ = 0;
  bool finished_ = false;
  std::jthread thread_;
};

class RandomRuns : public BackupBench {
 protected:
  // What is known of a run from outside.
  struct Record {
    Run run;
    Listing disk;                      // beneath its path, when it walked
    std::optional<SnapshotInfo> base;  // the head it began from
    Snapshot own;                      // what it would have committed had nobody else
    bool seen = false;                 // `own` is known
    std::optional<SnapshotInfo> committed;
  };
  static constexpr const char* kDirectories[] = {"", "a", "b", "a/c"};
  static constexpr const char* kNames[] = {"f", "g", "h", "a", "b", "c"};
  static constexpr const char* kFlags[] = {"-r", "-rd", "-rd", "", "-d"};

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  template <std::size_t kCount>
  std::string any_of(const char* const (&choices)[kCount]) {
    return choices[below(kCount)];
  }

  void make_directories() {
    for (const char* name : kDirectories)
      std::filesystem::create_directories(tree_ + "/" + name);
  }
  // The directories that runs are about always stay.
  bool is_fixed(const std::string& name) const {
    return std::find(std::begin(kDirectories), std::end(kDirectories), name) != std::end(kDirectories);
  }
  void change_something() {
    std::string directory = any_of(kDirectories);
    for (int changes = below(4); changes >= 0; --changes) {
      const std::string name = directory.empty() ? any_of(kNames) : directory + "/" + any_of(kNames);
      if (is_fixed(name)) continue;
      remove(name);
      const int what = below(6);
      const unsigned salt = static_cast<unsigned>(below(5));
      if (what == 0) continue;
      if (what == 1) write(name + "/inside", "text " + std::to_string(salt));
      if (what == 2) write(name, chunk_of_noise(salt, 600));
      if (what > 2) write(name, "text " + std::to_string(salt));
    }
  }

  StoreHooks observe(Record& record, std::function<void()> after_begin, std::function<void()> before_commit) {
    StoreHooks hooks;
    hooks.after_begin = [&record, after_begin](Session& session) {
      record.base = session.info().head;
      after_begin();
    };
    hooks.before_commit = [&record, before_commit](Session& session, const CommitRequest& request) {
      if (std::exchange(record.seen, true)) return;
      ObjectReader objects(session);
      const auto own = load_snapshot(objects, {.object = request.snapshot});
      ASSERT_TRUE(own) << own.error().message;
      record.own = *own;
      before_commit();
    };
    return hooks;
  }
  void execute(Record& record, const StoreHooks& hooks) {
    Run run = record.run;
    run.hooks = hooks;
    const auto report = back_up(run);
    ASSERT_TRUE(report) << report.error().message;
    record.committed = report->snapshot;
  }

  samples::Node node_of(ObjectSource& objects, const ObjectId& root) {
    return samples::load_root(objects, root);
  }
  // In the order of the history: each commit against the model.
  void expect_history_as_the_model_says(const std::vector<Record>& records) {
    auto snapshots = history();
    std::reverse(snapshots.begin(), snapshots.end());
    const auto session = reading();
    ObjectReader objects(*session);
    const auto root_of = [&](const SnapshotInfo& info) {
      return samples::value(load_snapshot(objects, info)).root;
    };
    samples::MaybeNode head;
    for (const SnapshotInfo& info : snapshots) {
      const auto record =
          std::find_if(records.begin(), records.end(), [&](const Record& r) { return r.committed == info; });
      ASSERT_NE(record, records.end()) << "a snapshot that no run was told of";
      samples::MaybeNode base;
      if (record->base) base = node_of(objects, root_of(*record->base));
      const samples::Node own = node_of(objects, record->own.root);
      const samples::MaybeNode expected = samples::model_merge(base, head, own);
      const samples::Node actual = node_of(objects, root_of(info));
      ASSERT_EQ(samples::render(actual), samples::render(*expected));
      ASSERT_TRUE(actual == *expected);
      head = actual;
    }
    EXPECT_EQ(snapshots.size(), records.size());
  }

  // What a run saw: all of what was on the disk; with -d nothing else, without it what the copy had before.
  void expect_to_have_seen_the_disk(Session& session, const Record& record) {
    if (record.run.flags.find('r') == std::string::npos) return;
    const std::string path = tree_ + (record.run.path.empty() ? "" : "/" + record.run.path);
    Listing seen = listing(session, record.own, path);
    if (record.run.flags.find('d') == std::string::npos) {
      std::string kept = "\n";
      std::erase_if(seen, [&](const auto& entry) {
        if (entry.first.starts_with(kept + "/")) return true;
        if (!entry.second.ends_with(" (kept)")) return false;
        kept = entry.first;
        return true;
      });
    }
    EXPECT_EQ(seen, record.disk) << record.run.path << " " << record.run.flags;
  }

  void run_interleaved(int clients) {
    std::vector<Record> records(static_cast<std::size_t>(clients));
    std::vector<std::unique_ptr<SteppedRun>> runs;
    std::vector<int> steps;
    for (int i = 0; i < clients; ++i) {
      Record& record = records[static_cast<std::size_t>(i)];
      record.run = {
          .path = any_of(kDirectories), .flags = any_of(kFlags), .cache = "cache" + std::to_string(below(3))};
      runs.push_back(std::make_unique<SteppedRun>([&](SteppedRun& stops) {
        const auto pause = [&] { stops.pause(); };
        execute(record, observe(record, pause, pause));
      }));
      steps.insert(steps.end(), 3, i);
    }
    std::shuffle(steps.begin(), steps.end(), random_);
    std::vector<int> done(records.size());
    for (const int i : steps) {
      const auto at = static_cast<std::size_t>(i);
      if (++done[at] == 2) {
        change_something();
        records[at].disk = on_disk(records[at].run.path);
      }
      runs[at]->step();
    }
    runs.clear();
    all_.insert(all_.end(), records.begin(), records.end());
  }

  std::mt19937 random_;
  std::vector<Record> all_;
};

// Runs in one repository, one group after the other, so that later ones begin with history, caches and marks.
TEST_F(RandomRuns, EveryInterleavingGivesWhatTheModelSays) {
  const bool held = rc::check("as the model says", [&] {
    random_.seed(*rc::gen::arbitrary<unsigned>());
    make_directories();
    const std::size_t before = all_.size();
    run_interleaved(1 + below(4));
    const auto session = reading();
    for (std::size_t i = before; i < all_.size(); ++i)
      expect_to_have_seen_the_disk(*session, all_[i]);
    RC_ASSERT(!testing::Test::HasFailure());
  });
  EXPECT_TRUE(held);
  expect_history_as_the_model_says(all_);
}

// The same without any order: threads race, and what comes out is some order of commits.
TEST_F(RandomRuns, RacingClientsGiveWhatTheModelSaysOfTheirOrder) {
  for (unsigned round = 0; round < 8; ++round) {
    random_.seed(round);
    make_directories();
    for (int i = 0; i < 10; ++i)
      change_something();
    std::vector<Record> records(6);
    Meeting meeting(static_cast<int>(records.size()));
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < records.size(); ++i) {
        Record& record = records[i];
        record.run = {
            .path = any_of(kDirectories), .flags = any_of(kFlags), .cache = "cache" + std::to_string(i)};
        record.disk = on_disk(record.run.path);
        threads.emplace_back([&] {
          execute(record, observe(
                              record, [&] { meeting.arrive_and_wait(); }, [] {}));
        });
      }
    }
    const auto session = reading();
    for (const Record& record : records)
      expect_to_have_seen_the_disk(*session, record);
    all_.insert(all_.end(), records.begin(), records.end());
  }
  expect_history_as_the_model_says(all_);
}

}  // namespace
}  // namespace rb::test
