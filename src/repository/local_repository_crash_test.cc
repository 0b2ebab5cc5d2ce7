// A scripted history on a disk that loses power, dies or fails at every single operation. Whatever happens:
// what was acknowledged is there, what is there is complete, and work goes on.
#include <map>

#include <gtest/gtest.h>

#include "support/fake_repository.h"
#include "support/store_samples.h"

namespace rb::test {

namespace {

const std::string kCrashAna = "ana", kBob = "bob";

LocalUser crash_user(const std::string& name) {
  return {.uid = 100'000 + static_cast<std::uint32_t>(name.front()), .name = name};
}

using Objects = std::map<ObjectId, NamedObject>;

struct Promises {
  std::map<std::string, Objects> stored;  // by user: put, and a flush after it succeeded
  std::map<std::string, std::vector<SnapshotInfo>> commits;
};

// Every object that a script could have put, whatever became of it.
class Universe {
 public:
  NamedObject add(NamedObject object) {
    objects_.emplace(object.id, object);
    return object;
  }
  const Objects& all() const { return objects_; }

 private:
  Objects objects_;
};

class Script {
 public:
  Script(Universe& universe, Promises& promises) : universe_(universe), promises_(promises) {}

  // Stops at the first error, as a client does.
  Status run(LocalRepository& repository) {
    RB_TRY(auto ana, repository.store_for(crash_user(kCrashAna)));
    RB_TRY(first_backup(*ana));
    RB_TRY(auto bob, repository.store_for(crash_user(kBob)));
    RB_TRY(first_backup_of_bob(*bob));
    return two_at_once(*ana);
  }

  // One more commit, small.
  Status one_more(LocalRepository& repository, std::uint8_t run) {
    RB_TRY(auto store, repository.store_for(crash_user(kCrashAna)));
    RB_TRY(auto session, store->begin({.run = make_run(run)}));
    Work work{*this, *session, kCrashAna, {}};
    const std::string text = "more " + std::to_string(run);
    const NamedObject chunk = object(make_chunk(text)), tree = object(make_tree(text, {chunk.id}));
    RB_TRY(work.put({chunk}));
    return work.commit(tree, session->info().head);
  }

 private:
  // One session's puts, and what is owed once they are flushed.
  struct Work {
    Script& script;
    Session& session;
    std::string user;
    std::vector<NamedObject> unflushed;

    Status put(const std::vector<NamedObject>& objects) {
      RB_TRY(session.put(make_block(objects)));
      unflushed.insert(unflushed.end(), objects.begin(), objects.end());
      return {};
    }
    Status flush() {
      RB_TRY(session.flush());
      keep_promises();
      return {};
    }
    void keep_promises() {
      for (const NamedObject& object : unflushed)
        script.promises_.stored[user].emplace(object.id, object);
      unflushed.clear();
    }
    Result<CommitResult> try_commit(const NamedObject& root, const std::optional<SnapshotInfo>& head) {
      const NamedObject snapshot = script.object(make_snapshot("snapshot of " + to_hex(root.id), root.id));
      RB_TRY(put({root, snapshot}));
      RB_TRY(const CommitResult result,
             session.commit(
                 {.snapshot = snapshot.id, .expected_head = head ? std::optional(head->id) : std::nullopt}));
      keep_promises();
      if (result.committed) script.promises_.commits[user].push_back(*result.head);
      return result;
    }
    Status commit(const NamedObject& root, const std::optional<SnapshotInfo>& head) {
      RB_TRY(const CommitResult result, try_commit(root, head));
      EXPECT_TRUE(result.committed);
      return {};
    }
  };

  NamedObject object(NamedObject named) { return universe_.add(std::move(named)); }

  Status first_backup(Store& store) {
    RB_TRY(auto session, store.begin({.run = make_run(1)}));
    Work work{*this, *session, kCrashAna, {}};
    const NamedObject a = object(make_chunk("a")), b = object(make_chunk("b")), c = object(make_chunk("c"));
    const NamedObject leaf = object(make_tree("leaf", {a.id, b.id}));
    const NamedObject root = object(make_tree("root", {leaf.id, c.id}));
    RB_TRY(work.put({a, b}));
    RB_TRY(work.flush());
    RB_TRY(work.put({c}));
    RB_TRY(work.put({leaf}));  // of its own stream, and not durable yet when the root comes
    return work.commit(root, std::nullopt);
  }

  Status first_backup_of_bob(Store& store) {
    RB_TRY(auto session, store.begin({.run = make_run(1)}));
    Work work{*this, *session, kBob, {}};
    const NamedObject a = object(make_chunk("a")), mine = object(make_chunk("bob's"));
    RB_TRY(work.put({a, mine}));
    RB_TRY(work.flush());
    RB_TRY(work.put({object(make_tree("never committed", {mine.id}))}));
    return {};
  }

  Status two_at_once(Store& store) {
    RB_TRY(auto one, store.begin({.run = make_run(2)}));
    RB_TRY(auto two, store.begin({.run = make_run(3)}));
    Work first{*this, *one, kCrashAna, {}}, second{*this, *two, kCrashAna, {}};
    const NamedObject d = object(make_chunk("d")), e = object(make_chunk("e"));
    RB_TRY(first.put({d}));
    RB_TRY(second.put({e}));
    RB_TRY(second.put({d}));  // a duplicate of what is not durable yet
    RB_TRY(second.flush());
    const NamedObject roots[] = {object(make_tree("root 2", {d.id})),
                                 object(make_tree("root 3", {d.id, e.id}))};
    RB_TRY(first.commit(roots[0], one->info().head));
    RB_TRY(const CommitResult lost, second.try_commit(roots[1], two->info().head));
    EXPECT_FALSE(lost.committed);
    return second.commit(roots[1], lost.head);
  }

  Universe& universe_;
  Promises& promises_;
};

// What a user's session finds in a repository.
class Inspection {
 public:
  Inspection(LocalRepository& repository, const std::string& user) {
    auto store = repository.store_for(crash_user(user));
    if (!store) return;
    auto session = (*store)->begin({.run = make_run(200), .purpose = SessionPurpose::read});
    EXPECT_TRUE(session);
    if (session) session_ = std::move(*session);
  }

  bool has(const ObjectId& id) {
    const auto answer = session_->ask(std::vector{id});
    EXPECT_TRUE(answer) << answer.error().message;
    return answer && answer->front() == Presence::have;
  }
  // Readable and unchanged.
  bool reads(const NamedObject& wanted) {
    bool found = false;
    const Status read =
        session_->read(std::vector{wanted.id}, Neighbours::welcome, [&](ByteView block) -> Status {
          RB_TRY(const std::vector<NamedObject> objects, unpack_block(block));
          for (const NamedObject& object : objects)
            found = found || object.object == wanted.object;
          return {};
        });
    EXPECT_TRUE(read) << read.error().message;
    return found;
  }
  // The object and all beneath it.
  bool is_complete(const Objects& universe, const ObjectId& id) {
    const auto known = universe.find(id);
    if (known == universe.end() || !has(id) || !reads(known->second)) return false;
    for (const ObjectId& ref : known->second.object.refs) {
      if (!is_complete(universe, ref)) return false;
    }
    return true;
  }
  std::vector<SnapshotInfo> history() {
    const auto history = session_->snapshots({});
    EXPECT_TRUE(history);
    return history ? *history : std::vector<SnapshotInfo>{};
  }
  explicit operator bool() const { return session_ != nullptr; }

 private:
  std::unique_ptr<Session> session_;
};

std::vector<SnapshotInfo> sorted_by_sequence(std::vector<SnapshotInfo> history) {
  std::sort(history.begin(), history.end(),
            [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
  return history;
}

// All that was promised is kept, and nothing is half there.
void check(LocalRepository& repository, const Universe& universe, const Promises& promises) {
  for (const std::string& user : {kCrashAna, kBob}) {
    const auto owed = promises.stored.find(user);
    Inspection found(repository, user);
    // While the journal can't be written nobody new is enrolled; but then nothing was promised to them
    // either.
    if (!found && owed == promises.stored.end()) continue;
    ASSERT_TRUE(found);
    if (owed != promises.stored.end()) {
      for (const auto& [id, object] : owed->second) {
        EXPECT_TRUE(found.is_complete(universe.all(), id)) << user << "'s " << as_text(object.object.payload);
      }
    }
    for (const auto& [id, object] : universe.all()) {
      if (!found.has(id)) continue;
      EXPECT_TRUE(found.is_complete(universe.all(), id))
          << user << " has half of " << as_text(object.object.payload);
    }
    const std::vector<SnapshotInfo> history = sorted_by_sequence(found.history());
    for (const SnapshotInfo& snapshot : history)
      EXPECT_TRUE(found.is_complete(universe.all(), snapshot.object));
    const auto commits = promises.commits.find(user);
    if (commits == promises.commits.end()) continue;
    for (const SnapshotInfo& commit : commits->second) {
      EXPECT_NE(std::find(history.begin(), history.end(), commit), history.end())
          << "commit " << commit.sequence;
    }
    EXPECT_LE(history.size(), commits->second.size() + 1) << "at most the one whose answer was lost";
  }
}

enum class CatalogSurvival { lost, whole, without_last_batches };

std::shared_ptr<MemoryCatalogLog> surviving_catalog(const MemoryCatalogLog& log, CatalogSurvival survival,
                                                    std::uint64_t seed) {
  auto left = std::make_shared<MemoryCatalogLog>(log);
  if (survival == CatalogSurvival::lost) *left = {};
  if (survival == CatalogSurvival::without_last_batches && !left->batches.empty()) {
    left->batches.resize(seed % left->batches.size());
  }
  return left;
}

// Small packs and a small table: they fill up all the time.
RepositoryOptions tight_options(FakeFileSystem& fs, std::shared_ptr<MemoryCatalogLog> log,
                                const Clock& clock) {
  RepositoryOptions options = fake_options(fs, std::move(log), clock);
  options.pack_bytes_max = 1500;
  options.index_table_rows = 4;
  return options;
}

class RepositoryCrashTest : public testing::Test {
 protected:
  Result<std::unique_ptr<LocalRepository>> open(FakeFileSystem& fs, std::shared_ptr<MemoryCatalogLog> log) {
    return LocalRepository::open(kFakeDirectory, tight_options(fs, std::move(log), clock_));
  }

  // Runs the script until the power goes at `operation`. False: it came to its end.
  bool run_until_crash(FakeFileSystem& fs, const std::shared_ptr<MemoryCatalogLog>& log,
                       std::uint64_t operation) {
    fs.crash_after(operation);
    auto repository = open(fs, log);
    if (!repository) return true;
    const Status done = Script(universe_, promises_).run(**repository);
    const bool crashed = fs.fault_struck();
    EXPECT_EQ(done.has_value(), !crashed) << (done ? "" : done.error().message);
    if (!crashed) fs.crash_now();  // at the latest now: what follows is only tidying up
    return crashed;
  }

  // A crash at every operation, and what is left of disk and catalog as given.
  void crash_everywhere(Survival survival, CatalogSurvival catalog_survival, std::uint64_t seed) {
    bool crashed = true;
    for (std::uint64_t operation = 0; crashed && !HasFailure(); ++operation) {
      SCOPED_TRACE("crash at operation " + std::to_string(operation));
      promises_ = {};
      FakeFileSystem fs;
      const auto log = std::make_shared<MemoryCatalogLog>();
      crashed = run_until_crash(fs, log, operation);
      auto survivor = fs.reopen(survival, seed + operation);
      recover_and_go_on(*survivor, surviving_catalog(*log, catalog_survival, seed + operation));
    }
  }

  void recover_and_go_on(FakeFileSystem& fs, const std::shared_ptr<MemoryCatalogLog>& log) {
    auto repository = open(fs, log);
    ASSERT_TRUE(repository) << repository.error().message;
    check(**repository, universe_, promises_);
    const Status done = Script(universe_, promises_).one_more(**repository, 100);
    ASSERT_TRUE(done) << done.error().message;
    check(**repository, universe_, promises_);
  }

  StoppedClock clock_;
  Universe universe_;
  Promises promises_;
};

TEST_F(RepositoryCrashTest, TheScriptRunsWithoutFaults) {
  FakeFileSystem fs;
  const auto log = std::make_shared<MemoryCatalogLog>();
  auto repository = open(fs, log);
  ASSERT_TRUE(repository) << repository.error().message;
  const Status done = Script(universe_, promises_).run(**repository);
  ASSERT_TRUE(done) << done.error().message;
  check(**repository, universe_, promises_);
  EXPECT_EQ(promises_.commits[kCrashAna].size(), 3u);
  EXPECT_GT(log->batches.size(), 5u) << "the table was to move to the catalog now and then";
  repository->reset();
  auto again = open(fs, log);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->report().records_applied, 0u) << "nothing is replayed after an orderly end";
  check(**again, universe_, promises_);
}

TEST_F(RepositoryCrashTest, WhatWasNotSyncedIsGone) {
  crash_everywhere(Survival::none, CatalogSurvival::lost, 1);
  crash_everywhere(Survival::none, CatalogSurvival::whole, 2);
  crash_everywhere(Survival::none, CatalogSurvival::without_last_batches, 3);
}

TEST_F(RepositoryCrashTest, EverythingHappenedToBeOnDisk) {
  crash_everywhere(Survival::all, CatalogSurvival::lost, 1);
  crash_everywhere(Survival::all, CatalogSurvival::whole, 2);
  crash_everywhere(Survival::all, CatalogSurvival::without_last_batches, 3);
}

TEST_F(RepositoryCrashTest, SomeWritesAreOnDiskInAnyOrder) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    crash_everywhere(Survival::some, CatalogSurvival::lost, seed * 1000);
    crash_everywhere(Survival::some, CatalogSurvival::without_last_batches, seed * 1000 + 500);
  }
}

TEST_F(RepositoryCrashTest, WritesAreTorn) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    crash_everywhere(Survival::torn, CatalogSurvival::lost, seed * 1000);
    crash_everywhere(Survival::torn, CatalogSurvival::without_last_batches, seed * 1000 + 500);
  }
}

// Killed, started again, and only then the power goes: what the second process said "have" to must have been
// made durable by it, for the first may not have come to that.
TEST_F(RepositoryCrashTest, KilledAndThenThePowerGoes) {
  bool crashed = true;
  for (std::uint64_t operation = 0; crashed && !HasFailure(); ++operation) {
    SCOPED_TRACE("killed at operation " + std::to_string(operation));
    promises_ = {};
    FakeFileSystem fs;
    const auto log = std::make_shared<MemoryCatalogLog>();
    crashed = run_until_crash(fs, log, operation);
    auto killed = fs.reopen(Survival::page_cache, operation);
    const auto second_log = surviving_catalog(*log, CatalogSurvival::without_last_batches, operation);
    {
      auto repository = open(*killed, second_log);
      ASSERT_TRUE(repository) << repository.error().message;
      check(**repository, universe_, promises_);
      Inspection found(**repository, kCrashAna);
      ASSERT_TRUE(found);
      for (const auto& [id, object] : universe_.all()) {
        if (found.has(id)) promises_.stored[kCrashAna].emplace(id, object);
      }
      killed->crash_now();
    }
    auto survivor = killed->reopen(Survival::none, operation);
    recover_and_go_on(*survivor, surviving_catalog(*second_log, CatalogSurvival::whole, 0));
  }
}

// A disk that fails once, or from some operation on.
class RepositoryFaultTest : public RepositoryCrashTest {
 protected:
  void fail_everywhere(int sys_errno, bool from_then_on) {
    bool struck = true;
    for (std::uint64_t operation = 0; struck && !HasFailure(); ++operation) {
      SCOPED_TRACE("failure of operation " + std::to_string(operation));
      promises_ = {};
      FakeFileSystem fs;
      const auto log = std::make_shared<MemoryCatalogLog>();
      fs.fail({.after = operation, .sys_errno = sys_errno, .from_then_on = from_then_on});
      struck = run_with_fault(fs, log, sys_errno);
      // The power goes at once: nothing unsynced may have been promised.
      auto survivor = fs.reopen(Survival::none, operation);
      recover_and_go_on(
          *survivor,
          surviving_catalog(*log, operation % 2 == 0 ? CatalogSurvival::whole : CatalogSurvival::lost, 0));
    }
  }

  bool run_with_fault(FakeFileSystem& fs, const std::shared_ptr<MemoryCatalogLog>& log, int sys_errno) {
    auto repository = open(fs, log);
    if (!repository) return true;
    const Status done = Script(universe_, promises_).run(**repository);
    const bool struck = fs.fault_struck();
    if (!done) {
      const Errc expected = sys_errno == ENOSPC ? Errc::no_space : Errc::io;
      EXPECT_TRUE(done.error().code == expected || done.error().code == Errc::io) << done.error().message;
      EXPECT_FALSE(done.error().message.empty());
    }
    fs.fail_nothing();
    check(**repository, universe_, promises_);  // it still serves what it has
    const Status later = Script(universe_, promises_).one_more(**repository, 101);
    if (!later) {
      EXPECT_TRUE(struck) << later.error().message;
      // A journal of which a copy could not be read at the start waits for the next one.
      EXPECT_NE((*repository)->state().read_only_reason, "") << later.error().message;
    }
    check(**repository, universe_, promises_);
    return struck;
  }
};

TEST_F(RepositoryFaultTest, OneOperationFails) {
  fail_everywhere(EIO, false);
}
TEST_F(RepositoryFaultTest, EverythingFailsFromSomePointOn) {
  fail_everywhere(EIO, true);
}
TEST_F(RepositoryFaultTest, TheDiskIsFull) {
  fail_everywhere(ENOSPC, true);
}

TEST_F(RepositoryFaultTest, AFailedSyncIsNeverAnAcknowledgement) {
  FakeFileSystem fs;
  auto repository = open(fs, std::make_shared<MemoryCatalogLog>());
  ASSERT_TRUE(repository);
  auto store = (*repository)->store_for(crash_user(kCrashAna));
  ASSERT_TRUE(store);
  auto one = (*store)->begin({.run = make_run(1)}), two = (*store)->begin({.run = make_run(2)});
  ASSERT_TRUE(one && two);
  const NamedObject early = make_chunk("early"), lost = make_chunk("lost"), shared = make_chunk("shared");
  ASSERT_TRUE((*one)->put(make_block({early})));
  ASSERT_TRUE((*one)->flush());
  ASSERT_TRUE((*one)->put(make_block({lost})));
  ASSERT_TRUE((*two)->put(make_block({shared})));
  ASSERT_TRUE((*one)->put(make_block({shared})));  // dropped, but only as good as the other's
  fs.fail({.after = 0, .sys_errno = EIO, .set = OperationSet::syncs});
  EXPECT_FALSE((*two)->flush());
  EXPECT_FALSE((*one)->flush()) << "the sync that failed was its own too";
  EXPECT_FALSE((*one)->flush()) << "and stays failed";

  // Other sessions go on, into another pack.
  auto three = (*store)->begin({.run = make_run(3)});
  ASSERT_TRUE(three);
  EXPECT_EQ(*(*three)->ask(std::vector{early.id}), std::vector{Presence::have});
  const NamedObject tree = make_tree("t", {lost.id});
  EXPECT_EQ((*three)->put(make_block({tree})).error().code, Errc::missing_refs);
  EXPECT_TRUE((*three)->put(make_block({lost, shared})));
  EXPECT_TRUE((*three)->put(make_block({tree})));
  EXPECT_TRUE((*three)->flush());
  EXPECT_EQ(*(*three)->ask(std::vector{lost.id, shared.id, tree.id}), std::vector(3, Presence::have));
}

}  // namespace

}  // namespace rb::test
