// A stored tree, a place to restore it to, and what came of it: for the tests of restore/.
#pragma once

#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>

#include "restore/restore.h"
#include "store/memory_store.h"
#include "support/stored_tree.h"
#include "support/temp_directory.h"

namespace rb::test {

struct Outcome {
  Result<RestoreReport> report = fail(Errc::cancelled, "not run");
  std::map<std::string, std::string> failures, warnings;  // by path
  std::vector<std::string> paths;
};

// How a path below `base` looks on disk, in one line.
inline std::string read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

inline struct stat stat_of(const std::string& path) {
  struct stat found {};
  EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
  return found;
}

inline bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

class RestoreFixture : public testing::Test {
 protected:
  RestoreFixture() { open(); }

  void open() {
    session_ = store_.begin({.run = random_id<RunId>(), .purpose = SessionPurpose::write}).value();
  }
  std::string target(std::string_view name = "") const { return name.empty() ? out_.path() : out_ / name; }

  RestoreOptions options(std::vector<std::string> paths) const {
    RestoreOptions options;
    options.paths = std::move(paths);
    options.to_directory = out_.path();
    options.threads = 2;
    options.sync = false;
    return options;
  }
  Outcome run(Session& session, RestoreOptions options) {
    Outcome outcome;
    RestoreEvents events;
    events.on_path = [&](const std::string& path) { outcome.paths.push_back(path); };
    events.on_failure = [&](const std::string& path, const std::string& why) {
      outcome.failures[path] = why;
    };
    events.on_warning = [&](const std::string& path, const std::string& what) {
      outcome.warnings[path] = what;
    };
    const Result<Snapshot> snapshot = tree_.put(*session_);
    if (!snapshot) {
      outcome.report = std::unexpected(snapshot.error());
      return outcome;
    }
    RestoreRun run(session, *snapshot, std::move(options), events);
    outcome.report = run.run();
    return outcome;
  }
  Outcome run(RestoreOptions options) { return run(*session_, std::move(options)); }
  Outcome run(std::vector<std::string> paths) { return run(options(std::move(paths))); }
  // Expects that nothing failed, differed or had to be warned of.
  RestoreReport run_clean(RestoreOptions options) {
    const Outcome outcome = run(std::move(options));
    for (const auto& [path, why] : outcome.failures)
      ADD_FAILURE() << path << ": " << why;
    for (const auto& [path, what] : outcome.warnings)
      ADD_FAILURE() << path << ": " << what;
    if (!outcome.report) {
      ADD_FAILURE() << outcome.report.error().message;
      return {};
    }
    EXPECT_EQ(outcome.report->failed + outcome.report->differing, 0u);
    return *outcome.report;
  }
  RestoreReport run_clean(std::vector<std::string> paths) { return run_clean(options(std::move(paths))); }

  // Compares what is on disk with what was described, all the way down.
  void expect_like(const StoredTree::Node& node, const std::string& path) {
    struct stat found {};
    ASSERT_EQ(::lstat(path.c_str(), &found), 0) << path;
    const Entry& entry = node.entry;
    EXPECT_EQ(found.st_mtim.tv_sec, entry.mtime.seconds) << path;
    EXPECT_EQ(static_cast<std::uint32_t>(found.st_mtim.tv_nsec), entry.mtime.nanoseconds) << path;
    EXPECT_EQ(found.st_uid, entry.uid) << path;
    EXPECT_EQ(found.st_gid, entry.gid) << path;
    if (entry.type != EntryType::symlink) {
      EXPECT_EQ(found.st_mode & 07777u, entry.mode) << path;
    }
    if (entry.type == EntryType::file) {
      ASSERT_TRUE(S_ISREG(found.st_mode)) << path;
      std::string expected(entry.size, '\0');
      for (const auto& [offset, data] : node.data)
        expected.replace(offset, data.size(), data);
      EXPECT_TRUE(read_whole(path) == expected) << path << " has other content";
    } else if (entry.type == EntryType::directory) {
      ASSERT_TRUE(S_ISDIR(found.st_mode)) << path;
      for (const auto& [name, child] : node.children)
        expect_like(*child, path + "/" + name);
    } else if (entry.type == EntryType::symlink) {
      ASSERT_TRUE(S_ISLNK(found.st_mode)) << path;
      std::string link(entry.target.size() + 1, '\0');
      link.resize(static_cast<std::size_t>(::readlink(path.c_str(), link.data(), link.size())));
      EXPECT_EQ(link, entry.target);
    }
  }

  std::shared_ptr<MemoryRepository> repository_ = make_memory_repository({});
  MemoryStore store_{repository_, "node"};
  std::unique_ptr<Session> session_;
  TempDirectory out_;
  StoredTree tree_;
};

// A session that gives some objects damaged, or not at all, and may fail altogether after a number of reads.
class FaultySession final : public Session {
 public:
  explicit FaultySession(Session& inner) : inner_(inner) {}

  std::vector<ObjectId> missing;
  std::vector<ObjectId> damaged;  // a bit of the block that holds it is flipped
  std::function<Status()> before_read = [] { return Status{}; };

  const SessionInfo& info() const override { return inner_.info(); }
  bool must_ask() const override { return inner_.must_ask(); }
  Result<std::vector<Presence>> ask(std::span<const ObjectId> ids) override { return inner_.ask(ids); }
  Status put(Bytes block) override { return inner_.put(std::move(block)); }
  Status flush() override { return inner_.flush(); }
  Result<CommitResult> commit(const CommitRequest& request) override { return inner_.commit(request); }
  Status read(std::span<const ObjectId> ids, Neighbours neighbours, const BlockSink& sink) override {
    RB_TRY(before_read());
    for (const ObjectId& id : ids) {
      if (contains(missing, id)) return fail(Errc::not_found, "there is no object " + to_hex(id));
    }
    return inner_.read(ids, neighbours, [&](ByteView block) -> Status {
      Bytes copy(block.begin(), block.end());
      const Result<BlockDirectory> directory = decode_block_directory(copy);
      if (!directory) return sink(block);
      for (const BlockObject& object : directory->objects) {
        if (contains(damaged, object.id)) copy[directory->body_offset] ^= 1;
      }
      return sink(copy);
    });
  }
  Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery& query) override {
    return inner_.snapshots(query);
  }
  Result<StoreStatus> status() override { return inner_.status(); }

 private:
  static bool contains(const std::vector<ObjectId>& ids, const ObjectId& id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  }
  Session& inner_;
};

}  // namespace rb::test
