#include "restore/history.h"

#include "restore/entry_walk.h"
#include "store/memory_store.h"
#include "store/object_reader.h"
#include "support/memory_objects.h"
#include "support/stored_tree.h"
#include "tree/directory_cursor.h"

namespace rb {
namespace {

class HistoryTest : public testing::Test {
 protected:
  Result<SnapshotInfo> commit() { return tree_.commit(store_); }
  std::unique_ptr<Session> read() {
    return store_.begin({.run = random_id<RunId>(), .purpose = SessionPurpose::read}).value();
  }
  std::shared_ptr<MemoryRepository> repository_ = make_memory_repository({});
  MemoryStore store_{repository_, "node"};
  StoredTree tree_;
  SystemClock clock_;
};

TEST_F(HistoryTest, ResolvesLatestIdsAndPrefixes) {
  auto session = read();
  const auto nothing = resolve_when(*session, "latest", clock_);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, Errc::not_found);
  std::vector<SnapshotInfo> infos;
  for (int i = 0; i < 5; ++i) {
    tree_.file("/f", std::to_string(i));
    infos.push_back(commit().value());
  }
  session = read();
  EXPECT_EQ(resolve_when(*session, "latest", clock_).value(), infos.back());
  for (const SnapshotInfo& info : infos) {
    EXPECT_EQ(resolve_when(*session, to_hex(info.id), clock_).value(), info);
    EXPECT_EQ(resolve_when(*session, to_hex(info.id).substr(0, 20), clock_).value(), info);
  }
  const auto none = resolve_when(*session, "0123456789abcdef", clock_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::not_found);
}

// Gives a history of its own, whose ids and times the test decides.
class ListSession final : public Session {
 public:
  std::vector<SnapshotInfo> newest_first;
  const SessionInfo& info() const override { return info_; }
  bool must_ask() const override { return true; }
  Result<std::vector<Presence>> ask(std::span<const ObjectId>) override {
    return fail(Errc::unsupported, "");
  }
  Status put(Bytes) override { return fail(Errc::unsupported, ""); }
  Status flush() override { return {}; }
  Result<CommitResult> commit(const CommitRequest&) override { return fail(Errc::unsupported, ""); }
  Status read(std::span<const ObjectId>, Neighbours, const BlockSink&) override {
    return fail(Errc::not_found, "");
  }
  Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery& query) override {
    std::vector<SnapshotInfo> page;
    for (const SnapshotInfo& info : newest_first) {
      if (info.sequence < query.before_sequence && page.size() < std::min<std::size_t>(query.limit, 2)) {
        page.push_back(info);
      }
    }
    return page;
  }
  Result<StoreStatus> status() override { return StoreStatus{}; }

 private:
  SessionInfo info_;
};

class FixedClock final : public Clock {
 public:
  Timestamp now;
  Timestamp wall() const override { return now; }
  std::chrono::nanoseconds monotonic() const override { return {}; }
};

SnapshotInfo info_of(std::uint64_t sequence, std::int64_t received, const char* id_prefix) {
  SnapshotInfo info;
  info.sequence = sequence;
  info.received = {received, 0};
  EXPECT_TRUE(from_hex(id_prefix, std::span(info.id.bytes).first(3)));
  return info;
}

TEST(ResolveWhen, TimesAndAmbiguity) {
  ListSession session;
  session.newest_first = {info_of(9, 5000, "abcdef"), info_of(7, 4000, "abcd00"), info_of(4, 3000, "ffffff"),
                          info_of(3, 3500, "aa0000"), info_of(1, 1000, "bb0000")};
  FixedClock clock;
  clock.now = {5100, 0};
  const auto resolved = [&](std::string_view text) {
    const Result<SnapshotInfo> found = resolve_when(session, text, clock);
    return found ? static_cast<std::int64_t>(found->sequence)
                 : -1 - static_cast<std::int64_t>(found.error().code);
  };
  const auto failed = [](Errc code) { return -1 - static_cast<std::int64_t>(code); };
  EXPECT_EQ(resolved("100 seconds ago"), 9);
  EXPECT_EQ(resolved("101 seconds ago"), 7);
  EXPECT_EQ(resolved("2000 seconds ago"), 4);  // the later commit, though the clock went back before it
  EXPECT_EQ(resolved("2101 seconds ago"), 1);
  EXPECT_EQ(resolved("4101 seconds ago"), failed(Errc::not_found));
  EXPECT_EQ(resolved("abcde"), 9);
  EXPECT_EQ(resolved("ABCD0"), 7);
  EXPECT_EQ(resolved("abcd"), failed(Errc::invalid_argument));
  EXPECT_EQ(resolved("1234"), failed(Errc::not_found));
  const Error ambiguous = resolve_when(session, "abcd", clock).error();
  EXPECT_NE(ambiguous.message.find("abcdef"), std::string::npos);
  EXPECT_NE(ambiguous.message.find("abcd00"), std::string::npos);
  const Error old = resolve_when(session, "1969-01-01", clock).error();
  EXPECT_NE(old.message.find("oldest is bb0000"), std::string::npos) << old.message;
}

TEST_F(HistoryTest, VisitsNewestFirstAndStops) {
  for (int i = 0; i < 3; ++i) {
    tree_.file("/f", std::to_string(i));
    ASSERT_TRUE(commit());
  }
  const auto session = read();
  std::vector<std::uint64_t> seen;
  ASSERT_TRUE(visit_history(*session, [&](const HistoryItem& item) -> Result<bool> {
    EXPECT_FALSE(item.snapshot.root.is_zero());
    seen.push_back(item.info.sequence);
    return seen.size() < 2;
  }));
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{3, 2}));
}

std::vector<std::string> list(ObjectSource& source, const Snapshot& snapshot, const std::string& path,
                              bool recursive) {
  std::vector<std::string> paths;
  const Status status =
      visit_entries(source, snapshot, path, recursive, [&](const std::string& p, const Entry&) {
        paths.push_back(p);
        return Status{};
      });
  if (!status) paths.push_back("! " + std::string(to_string(status.error().code)));
  return paths;
}

TEST_F(HistoryTest, ListsEntries) {
  tree_.file("/a/x", "1");
  tree_.file("/a/d/y", "2");
  tree_.file("/b", "3");
  const auto session = store_.begin({.run = random_id<RunId>()}).value();
  const Snapshot snapshot = tree_.put(*session).value();
  ObjectReader source(*session);
  using Paths = std::vector<std::string>;
  EXPECT_EQ(list(source, snapshot, "/", false), (Paths{"/a", "/b"}));
  EXPECT_EQ(list(source, snapshot, "/", true), (Paths{"/a", "/a/d", "/a/d/y", "/a/x", "/b"}));
  EXPECT_EQ(list(source, snapshot, "/a/", false), (Paths{"/a/d", "/a/x"}));
  EXPECT_EQ(list(source, snapshot, "/a/x", true), (Paths{"/a/x"}));
  EXPECT_EQ(list(source, snapshot, "/nope", true), (Paths{"! " + std::string(to_string(Errc::not_found))}));
}

std::vector<std::string> diff(ObjectSource& source, const Snapshot& before, const Snapshot& after,
                              const std::string& path = "/") {
  std::vector<std::string> lines;
  EXPECT_TRUE(diff_snapshots(source, before, after, path, [&](const PathChange& change) {
    lines.push_back((change.before ? change.after ? "M " : "- " : "+ ") + change.path);
    return Status{};
  }));
  return lines;
}

TEST_F(HistoryTest, DiffDescendsOnlyWhereSomethingDiffers) {
  using Lines = std::vector<std::string>;
  for (int i = 0; i < 2000; ++i)
    tree_.file("/big/" + std::to_string(10000 + i), "x");
  tree_.file("/same/deep/er/x", "1");
  tree_.file("/mod/x", "1");
  tree_.file("/gone/sub/y", "2");
  tree_.file("/turns", "a file");
  const auto session = store_.begin({.run = random_id<RunId>()}).value();
  const Snapshot before = tree_.put(*session).value();
  tree_.file("/big/10777", "changed");
  tree_.file("/big/10777a", "new");
  tree_.file("/mod/x", "2");
  tree_.directory("/mod").mtime = {5, 5};  // not worth telling: what changed beneath is told
  tree_.remove("/gone");
  tree_.remove("/turns");
  tree_.file("/turns/inside", "a directory");
  tree_.directory("/same", 0700);
  tree_.entry("/same/deep/er/x").kept = Kept{KeptReason::absent, {1, 1}};
  const Snapshot after = tree_.put(*session).value();
  ObjectReader source(*session);
  EXPECT_EQ(diff(source, before, after),
            (Lines{"M /big/10777", "+ /big/10777a", "- /gone", "- /gone/sub", "- /gone/sub/y", "M /mod/x",
                   "M /same", "M /turns", "+ /turns/inside"}));
  EXPECT_EQ(diff(source, after, before, "/turns"), (Lines{"M /turns", "- /turns/inside"}));
  EXPECT_EQ(diff(source, before, before), Lines{});
  EXPECT_EQ(diff(source, before, after, "/nowhere"), Lines{});
  EXPECT_EQ(diff(source, before, after, "/gone/sub"), (Lines{"- /gone/sub", "- /gone/sub/y"}));
}

TEST_F(HistoryTest, PathHistory) {
  tree_.file("/other", "x");
  ASSERT_TRUE(commit());  // 1: nothing at the path
  tree_.file("/d/f", "one");
  ASSERT_TRUE(commit());  // 2: it comes
  tree_.file("/other", "y");
  ASSERT_TRUE(commit());  // 3: something else changes
  tree_.file("/d/f", "two");
  ASSERT_TRUE(commit());  // 4: it changes
  tree_.entry("/d/f").kept = Kept{KeptReason::absent, {}};
  ASSERT_TRUE(commit());  // 5: carried over
  tree_.remove("/d");
  ASSERT_TRUE(commit());  // 6: it goes
  const auto session = read();
  std::vector<std::string> seen;
  const auto visit = [&](const HistoryItem& item, const std::optional<Entry>& entry) -> Result<bool> {
    seen.push_back(std::to_string(item.info.sequence) + (entry ? "" : " gone"));
    return true;
  };
  for (const char* path : {"/d/f", "/d"}) {
    seen.clear();
    ASSERT_TRUE(visit_path_history(*session, path, visit));
    EXPECT_EQ(seen, (std::vector<std::string>{"6 gone", "4", "2"})) << path;
  }
  seen.clear();
  ASSERT_TRUE(
      visit_path_history(*session, "/other", [&](const HistoryItem& item, const auto&) -> Result<bool> {
        seen.push_back(std::to_string(item.info.sequence));
        return false;
      }));
  EXPECT_EQ(seen, (std::vector<std::string>{"3"}));
}

TEST_F(HistoryTest, ReadsContent) {
  tree_.chunk_bytes = 10'000;
  std::string repeated;
  for (int i = 0; i < 400; ++i)
    repeated += std::string(10'000, static_cast<char>('a' + i % 3));
  tree_.file("/empty", "");
  tree_.file("/inline", "inline");
  tree_.file("/chunk", std::string(5000, 'c'));
  tree_.file("/many", repeated);
  tree_.sparse("/holes", 3'000'000, {{1'000'000, "in"}, {2'999'999, "e"}});
  tree_.symlink("/link", "many");
  const auto session = store_.begin({.run = random_id<RunId>()}).value();
  const Snapshot snapshot = tree_.put(*session).value();
  ObjectReader source(*session);
  const auto content = [&](const char* path) {
    std::string all;
    const Entry entry = find_path(source, snapshot.root, split_path(path).value()).value().value();
    const Status status = read_content(*session, entry, [&](ByteView bytes) {
      all += as_text(bytes);
      return Status{};
    });
    return status ? all : "! " + status.error().message;
  };
  std::string holes(3'000'000, '\0');
  holes.replace(1'000'000, 2, "in");
  holes.back() = 'e';
  EXPECT_EQ(content("/empty"), "");
  EXPECT_EQ(content("/inline"), "inline");
  EXPECT_EQ(content("/chunk"), std::string(5000, 'c'));
  EXPECT_TRUE(content("/many") == repeated);
  EXPECT_TRUE(content("/holes") == holes);
  EXPECT_EQ(content("/link").front(), '!');
}

TEST(EntryWalkTest, DamagedPageCostsOnlyItsEntriesAndSuspendingCostsNothing) {
  MemoryObjects objects;
  DirectoryBuilder builder(objects);
  for (int i = 0; i < 3000; ++i) {
    Entry entry;
    entry.name = std::to_string(100'000 + i);
    ASSERT_TRUE(builder.add(entry));
  }
  const ObjectId root = builder.finish().value();
  const TreePage page = load_tree_page(objects, root).value();
  ASSERT_GT(page.children.size(), 3u);

  EntryWalk suspended(objects, root);
  std::size_t count = 0;
  for (;; ++count) {
    const auto entry = suspended.next();
    ASSERT_TRUE(entry);
    if (*entry == nullptr) break;
    EXPECT_EQ((*entry)->name, std::to_string(100'000 + count));
    if (count % 7 == 0) {
      suspended.suspend();
      ASSERT_TRUE(suspended.resume());
    }
  }
  EXPECT_EQ(count, 3000u);

  class Missing final : public ObjectSource {
   public:
    Missing(ObjectSource& inner, const ObjectId& id) : inner_(inner), id_(id) {}
    Result<std::shared_ptr<const Object>> load(const ObjectId& id) override {
      if (id == id_) return fail(Errc::corrupt, "damaged");
      return inner_.load(id);
    }

   private:
    ObjectSource& inner_;
    ObjectId id_;
  } missing(objects, page.children[1].id);
  EntryWalk walk(missing, root);
  std::size_t errors = 0;
  count = 0;
  for (;;) {
    const auto entry = walk.next();
    if (!entry) {
      ++errors;
      EXPECT_NE(entry.error().message.find(page.children[1].first_name), std::string::npos);
      continue;
    }
    if (*entry == nullptr) break;
    ++count;
  }
  EXPECT_EQ(errors, 1u);
  EXPECT_EQ(count, 3000u - page.children[1].entry_count);
}

}  // namespace
}  // namespace rb
