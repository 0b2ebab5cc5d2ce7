#include "repository/local_repository.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "support/fake_repository.h"
#include "support/store_conformance.h"
#include "support/temp_directory.h"

namespace rb::test {

namespace {

// Never root or the owner of the directory: these are the host's node.
LocalUser user_named(const std::string& name) {
  return {.uid = 100'000 + static_cast<std::uint32_t>(name.front()), .name = name};
}

class LocalHost : public StoreHost {
 public:
  std::unique_ptr<Store> store_of(const std::string& user) override {
    auto store = repository_->store_for(user_named(user));
    return store ? std::move(*store) : nullptr;
  }
  void fence_all() override { repository_->fence_sessions(); }

 protected:
  std::shared_ptr<LocalRepository> repository_;
};

class FakeHost final : public LocalHost {
 public:
  FakeHost() {
    auto opened = LocalRepository::open(
        kFakeDirectory, fake_options(file_system_, std::make_shared<MemoryCatalogLog>(), clock_));
    EXPECT_TRUE(opened) << opened.error().message;
    if (opened) repository_ = std::move(*opened);
  }
  ~FakeHost() override { repository_.reset(); }

 private:
  FakeFileSystem file_system_;
  StoppedClock clock_;
};

// Real files and RocksDB, with a table of a few rows so that most look-ups go through the catalog. Opening
// takes a while, so all tests of the suite share one repository, each with users of its own.
class SharedDisk final : public testing::Environment {
 public:
  std::shared_ptr<LocalRepository> repository() {
    if (!repository_) {
      directory_.emplace();
      RepositoryOptions options;
      options.index_table_rows = 4;
      auto opened = LocalRepository::open(directory_->path() + "/repository", options);
      EXPECT_TRUE(opened) << opened.error().message;
      if (opened) repository_ = std::move(*opened);
    }
    return repository_;
  }
  void TearDown() override {
    repository_.reset();
    directory_.reset();
  }

 private:
  std::optional<TempDirectory> directory_;
  std::shared_ptr<LocalRepository> repository_;
};

SharedDisk& shared_disk() {
  static auto* disk = static_cast<SharedDisk*>(testing::AddGlobalTestEnvironment(new SharedDisk));
  return *disk;
}

class DiskHost final : public LocalHost {
 public:
  DiskHost() {
    static std::uint32_t hosts = 0;
    number_ = ++hosts;
    repository_ = shared_disk().repository();
  }
  std::unique_ptr<Store> store_of(const std::string& user) override {
    LocalUser own = user_named(user);
    own.uid += number_ * 1000;
    auto store = repository_->store_for(own);
    return store ? std::move(*store) : nullptr;
  }

 private:
  std::uint32_t number_ = 0;
};

const StoreMaker kFake{"fake_disk", [] { return std::make_unique<FakeHost>(); }};
const StoreMaker kDisk{"real_disk", [] { return std::make_unique<DiskHost>(); }};
const SharedDisk& kSharedDisk = shared_disk();  // registered before the tests run

}  // namespace

INSTANTIATE_TEST_SUITE_P(Local, StoreConformance, testing::Values(kFake, kDisk),
                         [](const auto& maker) { return maker.param.name; });

namespace {

class LocalRepositoryTest : public testing::Test {
 protected:
  std::string path() const { return directory_.path() + "/repository"; }
  Result<std::unique_ptr<LocalRepository>> open(RepositoryOptions options = {}) {
    return LocalRepository::open(path(), std::move(options));
  }
  static std::unique_ptr<Store> store_of(LocalRepository& repository, const LocalUser& user) {
    auto store = repository.store_for(user);
    EXPECT_TRUE(store) << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  static std::unique_ptr<Session> begin(Store& store, std::uint8_t run) {
    auto session = store.begin({.run = make_run(run)});
    EXPECT_TRUE(session) << session.error().message;
    return session ? std::move(*session) : nullptr;
  }
  static SnapshotInfo commit(Session& session, const std::string& text) {
    const NamedObject chunk = make_chunk(text), tree = make_tree(text, {chunk.id});
    const NamedObject snapshot = make_snapshot(text, tree.id);
    EXPECT_TRUE(session.put(make_block({chunk})));
    EXPECT_TRUE(session.put(make_block({tree, snapshot})));
    const auto head = session.info().head;
    const auto result = session.commit(
        {.snapshot = snapshot.id, .expected_head = head ? std::optional(head->id) : std::nullopt});
    EXPECT_TRUE(result && result->committed);
    return result && result->head ? *result->head : SnapshotInfo{};
  }
  static bool holds(Session& session, const std::string& text) {
    const auto answer =
        session.ask(std::vector{make_tree(text, {make_chunk(text).id}).id, make_chunk(text).id});
    return answer && *answer == std::vector(2, Presence::have);
  }

  const LocalUser ana_ = user_named("ana");
  TempDirectory directory_;
};

TEST_F(LocalRepositoryTest, CreatesWhatIsNewAndFindsItAgain) {
  RepositoryId id;
  {
    const auto made = open();
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE((*made)->report().created);
    EXPECT_FALSE((*made)->report().catalog_rebuilt);
    id = (*made)->id();
  }
  for (const char* name : {"format", "README", "lock", "packs", "journal.1", "journal.2", "catalog"}) {
    EXPECT_TRUE(std::filesystem::exists(path() + "/" + name)) << name;
  }
  const auto again = open();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_FALSE((*again)->report().created);
  EXPECT_FALSE((*again)->report().catalog_rebuilt);
  EXPECT_EQ((*again)->id(), id);
}

TEST_F(LocalRepositoryTest, ASecondOneIsKeptOutWhileTheFirstLives) {
  {
    const auto first = open();
    ASSERT_TRUE(first);
    const auto second = open();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::denied);
    EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos)
        << second.error().message;
  }
  EXPECT_TRUE(open());
}

TEST_F(LocalRepositoryTest, ADirectoryWithSomethingElseIsLeftAlone) {
  std::filesystem::create_directory(path());
  std::ofstream(path() + "/thesis.txt") << "years of work";
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::denied);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path()), {}), 1) << "nothing was added";
}

TEST_F(LocalRepositoryTest, BackupsWhoseMarkerIsGoneAreNotOverwritten) {
  {
    const auto repository = open();
    ASSERT_TRUE(repository);
    (void)commit(*begin(*store_of(**repository, ana_), 1), "x");
  }
  std::filesystem::remove(path() + "/format");
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::denied);
}

TEST_F(LocalRepositoryTest, AMissingPackDirectoryIsNotMadeAnew) {
  { ASSERT_TRUE(open()); }
  std::filesystem::remove_all(path() + "/packs");
  EXPECT_FALSE(open());
}

TEST_F(LocalRepositoryTest, NeighboursThatNobodyWantsAreLeftOut) {
  const auto repository = open();
  ASSERT_TRUE(repository);
  const auto session = begin(*store_of(**repository, ana_), 1);
  std::vector<NamedObject> chunks;
  for (int i = 0; i < 9; ++i)
    chunks.push_back(make_chunk("chunk " + std::to_string(i)));
  ASSERT_TRUE(session->put(make_block(chunks)));
  ASSERT_TRUE(session->flush());
  const auto given = [&](std::size_t count, Neighbours neighbours) {
    std::vector<ObjectId> ids, found;
    for (std::size_t i = 0; i < count; ++i)
      ids.push_back(chunks[2 * i % 9].id);
    EXPECT_TRUE(session->read(ids, neighbours, [&](ByteView block) -> Status {
      RB_TRY(const auto objects, unpack_block(block));
      for (const NamedObject& object : objects)
        found.push_back(object.id);
      return {};
    }));
    for (const ObjectId& id : ids)
      EXPECT_EQ(std::ranges::count(found, id), 1);
    return found.size();
  };
  EXPECT_EQ(given(1, Neighbours::welcome), 9u);
  EXPECT_EQ(given(1, Neighbours::unwanted), 1u);
  EXPECT_EQ(given(4, Neighbours::unwanted), 4u);
  EXPECT_EQ(given(5, Neighbours::unwanted), 9u);
}

TEST_F(LocalRepositoryTest, WithoutTheCatalogNothingIsLost) {
  SnapshotInfo first, second;
  {
    const auto repository = open();
    ASSERT_TRUE(repository);
    const auto store = store_of(**repository, ana_);
    first = commit(*begin(*store, 1), "one");
    second = commit(*begin(*store, 2), "two");
  }
  for (const bool removed : {true, false}) {
    if (removed) std::filesystem::remove_all(path() + "/catalog");
    const auto repository = open();
    ASSERT_TRUE(repository) << repository.error().message;
    EXPECT_EQ((*repository)->report().catalog_rebuilt, removed);
    const auto session = begin(*store_of(**repository, ana_), 3);
    EXPECT_TRUE(holds(*session, "one") && holds(*session, "two"));
    EXPECT_EQ(*session->snapshots({}), (std::vector{second, first}));
    EXPECT_EQ(session->status()->object_count, 6u);
    EXPECT_TRUE(
        session->read(std::vector{first.object}, Neighbours::welcome, [](ByteView) { return Status{}; }));
    EXPECT_EQ(begin(*store_of(**repository, ana_), 1)->info().already_committed, first);
  }
}

// More than the table takes while a catalog is made anew, which then is loaded in bulk; old objects are named
// again and again, and one comes twice.
TEST_F(LocalRepositoryTest, ALargeCatalogIsMadeAnew) {
  constexpr std::uint8_t kRuns = 60;
  RepositoryOptions options;
  options.index_table_rows = 1;
  std::uint64_t objects = 0;
  {
    const auto repository = open(options);
    ASSERT_TRUE(repository);
    const auto store = store_of(**repository, ana_);
    const NamedObject shared = make_chunk("shared");
    for (std::uint8_t run = 1; run <= kRuns; ++run) {
      const auto session = begin(*store, run);
      const std::string text = "run " + std::to_string(run);
      (void)session->put(make_block({shared, make_chunk(text)}));
      EXPECT_TRUE(session->put(make_block({make_tree("both of " + text, {shared.id, make_chunk(text).id})})));
      (void)commit(*session, text);
    }
    objects = (*repository)->state().object_count;
    EXPECT_EQ(objects, 1 + 4u * kRuns);
  }
  std::filesystem::remove_all(path() + "/catalog");
  for (const bool again : {false, true}) {
    const auto repository = open(options);
    ASSERT_TRUE(repository) << repository.error().message;
    EXPECT_EQ((*repository)->report().catalog_rebuilt, !again);
    EXPECT_EQ((*repository)->report().incomplete_objects, 0u);
    EXPECT_EQ((*repository)->state().object_count, objects);
    const auto session = begin(*store_of(**repository, ana_), kRuns + 1);
    for (std::uint8_t run = 1; run <= kRuns; ++run)
      EXPECT_TRUE(holds(*session, "run " + std::to_string(run)));
    EXPECT_EQ(session->snapshots({})->size(), kRuns);
  }
}

// However far it came, the next start goes on or begins anew, and counts nothing twice.
TEST(LocalRepositoryRebuildTest, OneThatIsInterruptedGoesOn) {
  constexpr std::uint8_t kRuns = 30;
  FakeFileSystem fs;
  StoppedClock clock;
  const auto open = [&](const std::shared_ptr<MemoryCatalogLog>& log) {
    RepositoryOptions options = fake_options(fs, log, clock);
    options.index_table_rows = 1;
    options.pack_bytes_max = 8192;
    return LocalRepository::open(kFakeDirectory, options);
  };
  std::uint64_t objects = 0, stored = 0;
  const auto count = [](LocalRepository& repository, std::uint64_t& objects_now, std::uint64_t& stored_now) {
    const auto store = repository.store_for(user_named("ana"));
    ASSERT_TRUE(store);
    const auto session = (*store)->begin({.run = make_run(200)});
    ASSERT_TRUE(session);
    objects_now = (*session)->status()->object_count;
    stored_now = (*session)->status()->node_stored_bytes;
  };
  {
    const auto repository = open(std::make_shared<MemoryCatalogLog>());
    ASSERT_TRUE(repository);
    const auto store = (*repository)->store_for(user_named("ana"));
    for (std::uint8_t run = 1; run <= kRuns; ++run) {
      const auto session = (*store)->begin({.run = make_run(run)});
      const NamedObject chunk = make_chunk(std::to_string(run)), tree = make_tree("tree", {chunk.id});
      ASSERT_TRUE((*session)->put(make_block({chunk})) && (*session)->put(make_block({tree})));
      ASSERT_TRUE((*session)->flush());
    }
    count(**repository, objects, stored);
    EXPECT_EQ(objects, 2u * kRuns);
  }
  bool is_through = false;
  for (std::size_t writes = 0; !is_through; ++writes) {
    const auto log = std::make_shared<MemoryCatalogLog>();
    log->writes_left = writes;
    is_through = open(log).has_value() && !log->write_failed;
    log->writes_left = SIZE_MAX;
    log->write_failed = false;
    const auto repository = open(log);
    ASSERT_TRUE(repository) << repository.error().message;
    std::uint64_t objects_now = 0, stored_now = 0;
    count(**repository, objects_now, stored_now);
    EXPECT_EQ(objects_now, objects) << writes;
    EXPECT_EQ(stored_now, stored) << writes;
  }
}

TEST_F(LocalRepositoryTest, ADamagedCatalogIsMadeAnew) {
  {
    const auto repository = open();
    ASSERT_TRUE(repository);
    (void)commit(*begin(*store_of(**repository, ana_), 1), "one");
  }
  for (const auto& file : std::filesystem::directory_iterator(path() + "/catalog")) {
    std::ofstream(file.path(), std::ios::trunc) << "no longer what it was";
  }
  const auto repository = open();
  ASSERT_TRUE(repository) << repository.error().message;
  EXPECT_TRUE((*repository)->report().catalog_rebuilt);
  EXPECT_TRUE(holds(*begin(*store_of(**repository, ana_), 2), "one"));
}

TEST_F(LocalRepositoryTest, AnotherRepositorysCatalogIsMadeAnew) {
  {
    const auto repository = open();
    ASSERT_TRUE(repository);
    (void)commit(*begin(*store_of(**repository, ana_), 1), "one");
    const auto other = LocalRepository::open(directory_.path() + "/other", {});
    ASSERT_TRUE(other);
    (void)commit(*begin(*store_of(**other, ana_), 1), "foreign");
  }
  std::filesystem::remove_all(path() + "/catalog");
  std::filesystem::rename(directory_.path() + "/other/catalog", path() + "/catalog");
  const auto repository = open();
  ASSERT_TRUE(repository) << repository.error().message;
  EXPECT_TRUE((*repository)->report().catalog_rebuilt);
  const auto session = begin(*store_of(**repository, ana_), 2);
  EXPECT_TRUE(holds(*session, "one"));
  EXPECT_FALSE(holds(*session, "foreign"));
}

TEST_F(LocalRepositoryTest, ALostPackTakesOnlyWhatWasInIt) {
  RepositoryOptions options;
  options.pack_bytes_max = 1;  // a pack for each block
  SnapshotInfo first;
  {
    const auto repository = open(options);
    ASSERT_TRUE(repository);
    const auto store = store_of(**repository, ana_);
    first = commit(*begin(*store, 1), "one");
    (void)commit(*begin(*store, 2), "two");
  }
  std::filesystem::remove(std::filesystem::directory_iterator(path() + "/packs")->path().parent_path() /
                          "00000001.pack");
  const auto repository = open(options);
  ASSERT_TRUE(repository) << repository.error().message;
  EXPECT_TRUE((*repository)->report().catalog_rebuilt);
  EXPECT_EQ((*repository)->report().incomplete_objects, 2u);
  const auto session = begin(*store_of(**repository, ana_), 3);
  EXPECT_TRUE(holds(*session, "two"));
  const NamedObject chunk = make_chunk("one"), tree = make_tree("one", {chunk.id});
  EXPECT_EQ(*session->ask(std::vector{chunk.id, tree.id}), std::vector(2, Presence::send));
  EXPECT_TRUE(session->read(std::vector{tree.id, first.object}, Neighbours::welcome, [](ByteView) {
    return Status{};
  })) << "what is left of it can be read";

  // Good copies heal it.
  EXPECT_FALSE(session->put(make_block({tree})));
  EXPECT_TRUE(session->put(make_block({chunk})));
  EXPECT_TRUE(session->put(make_block({tree})));
  EXPECT_TRUE(session->flush());
  EXPECT_TRUE(holds(*session, "one"));
}

TEST_F(LocalRepositoryTest, TheHostsNodeIsRootsAndTheOwners) {
  const auto repository = open();
  ASSERT_TRUE(repository);
  const auto root = begin(*store_of(**repository, {.uid = 0, .name = "root"}), 1);
  const auto owner = begin(*store_of(**repository, {.uid = ::geteuid(), .name = "whoever"}), 2);
  const auto ana = begin(*store_of(**repository, ana_), 3);
  EXPECT_EQ(root->info().node, owner->info().node);
  EXPECT_NE(root->info().node, ana->info().node);
  EXPECT_EQ(ana->info().node, "ana");
}

TEST_F(LocalRepositoryTest, ANodeBelongsToUidAndName) {
  std::string name;
  {
    const auto repository = open();
    ASSERT_TRUE(repository);
    (void)commit(*begin(*store_of(**repository, ana_), 1), "ana's");
    const LocalUser heir{.uid = ana_.uid, .name = "bert"};
    const auto session = begin(*store_of(**repository, heir), 2);
    EXPECT_FALSE(session->info().head) << "a uid that was given to somebody else";
    const LocalUser namesake{.uid = ana_.uid + 1, .name = "ana"};
    name = begin(*store_of(**repository, namesake), 3)->info().node;
    EXPECT_NE(name, "ana");
  }
  const auto repository = open();
  ASSERT_TRUE(repository);
  EXPECT_TRUE(begin(*store_of(**repository, ana_), 4)->info().head);
  EXPECT_EQ(begin(*store_of(**repository, {.uid = ana_.uid + 1, .name = "ana"}), 5)->info().node, name);
}

TEST_F(LocalRepositoryTest, NobodyGetsNoNode) {
  const auto repository = open();
  ASSERT_TRUE(repository);
  const auto store = (*repository)->store_for({.uid = 65534, .name = "nobody"});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Errc::denied);
}

TEST_F(LocalRepositoryTest, SessionsAreCounted) {
  RepositoryOptions options;
  options.max_sessions = 1;
  const auto repository = open(options);
  ASSERT_TRUE(repository);
  const auto store = store_of(**repository, ana_);
  auto first = begin(*store, 1);
  const auto second = store->begin({.run = make_run(2)});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  EXPECT_TRUE(second.error().retryable());
  EXPECT_TRUE(begin(*store, 1)) << "the same run takes its own place";
  EXPECT_EQ((*repository)->open_sessions(), 0u) << "the one that took it has ended";
  const auto third = begin(*store, 2);
  EXPECT_EQ((*repository)->open_sessions(), 1u);
}

TEST_F(LocalRepositoryTest, AClaimEndsAfterAFixedTime) {
  StoppedClock clock;
  RepositoryOptions options;
  options.clock = &clock;
  const auto repository = open(options);
  ASSERT_TRUE(repository);
  const auto store = store_of(**repository, ana_);
  const auto one = begin(*store, 1), two = begin(*store, 2);
  const ObjectId id = make_chunk("claimed").id;
  const auto ask = [&](Session& session) { return session.ask(std::vector{id})->front(); };
  EXPECT_EQ(ask(*one), Presence::send);
  clock.now += std::chrono::seconds(29);
  EXPECT_EQ(ask(*one), Presence::send) << "asking again does not renew it";
  EXPECT_EQ(ask(*two), Presence::wait);
  clock.now += std::chrono::seconds(1);
  EXPECT_EQ(ask(*two), Presence::send);
  EXPECT_EQ(ask(*one), Presence::wait);
}

TEST_F(LocalRepositoryTest, SessionsMayOutliveTheRepository) {
  std::unique_ptr<Session> session;
  {
    const auto repository = open();
    ASSERT_TRUE(repository);
    session = begin(*store_of(**repository, ana_), 1);
  }
  (void)commit(*session, "late");
  EXPECT_FALSE(open()) << "the lock is still held";
  session.reset();
  const auto repository = open();
  ASSERT_TRUE(repository);
  EXPECT_TRUE(holds(*begin(*store_of(**repository, ana_), 2), "late"));
}

TEST_F(LocalRepositoryTest, ManySessionsAtOnce) {
  constexpr int kThreads = 4, kRounds = 20;
  RepositoryOptions options;
  options.index_table_rows = 64;
  const auto repository = open(options);
  ASSERT_TRUE(repository);
  const auto work = [&](int thread) {
    const auto store = store_of(**repository, thread % 2 == 0 ? ana_ : user_named("bob"));
    const auto session = begin(*store, static_cast<std::uint8_t>(thread + 1));
    for (int round = 0; round < kRounds; ++round) {
      // The same contents come from several threads.
      const std::string text = "round " + std::to_string(round + thread / 2);
      const NamedObject chunk = make_chunk(text), tree = make_tree(text, {chunk.id});
      const auto answers = session->ask(std::vector{chunk.id, tree.id});
      EXPECT_TRUE(answers);
      EXPECT_TRUE(session->put(make_block({chunk})));
      EXPECT_TRUE(session->put(make_block({tree})));
      EXPECT_TRUE(session->flush());
      EXPECT_TRUE(holds(*session, text));
      EXPECT_TRUE(
          session->read(std::vector{chunk.id}, Neighbours::welcome, [](ByteView) { return Status{}; }));
    }
    const NamedObject root = make_tree("root of " + std::to_string(thread)),
                      snapshot = make_snapshot("s", root.id);
    EXPECT_TRUE(session->put(make_block({root, snapshot})));
    std::optional<SnapshotId> expected;
    for (bool committed = false; !committed;) {
      const auto result = session->commit({.snapshot = snapshot.id, .expected_head = expected});
      ASSERT_TRUE(result) << result.error().message;
      committed = result->committed;
      if (!committed) expected = result->head->id;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back(work, i);
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(begin(*store_of(**repository, ana_), 9)->snapshots({})->size(), 2u);
}

}  // namespace

}  // namespace rb::test
