// Clients of one node against a real server in one process: trees on disk, backups of them with hooks, and
// what the copies hold, as maps from path to content.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "backup/backup.h"
#include "base/random.h"
#include "restore/history.h"
#include "store/object_reader.h"
#include "support/observed_store.h"
#include "support/served_repository.h"

namespace rb::test {

// Path to content; directories are "/", what was carried over ends in " (kept)".
using Listing = std::map<std::string, std::string>;

// Incompressible, the same for a seed, and long enough to be a chunk of its own.
inline std::string chunk_of_noise(unsigned seed, std::size_t bytes = 2000) {
  std::mt19937 random(seed);
  std::string out(bytes, '\0');
  for (char& c : out)
    c = static_cast<char>(random());
  return out;
}

class BackupBench : public testing::Test {
 protected:
  BackupBench() { std::filesystem::create_directories(tree_); }

  void write(const std::string& name, const std::string& content) {
    const std::filesystem::path path = tree_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }
  void remove(const std::string& name) { std::filesystem::remove_all(tree_ + "/" + name); }

  struct Run {
    std::string path;  // in the tree; empty: the tree itself
    std::string flags = "-r";
    StoreHooks hooks = {};
    std::string cache = "cache";
    std::string socket = {};  // empty: the host's
    int threads = 2;
  };
  Result<BackupReport> back_up(const Run& run) { return back_up(run, served_.clock); }
  Result<BackupReport> back_up(const Run& run, const Clock& clock) {
    ObservedStore store(served_.connect_through(run.socket.empty() ? served_.socket_path() : run.socket),
                        run.hooks, &ledger_);
    BackupOptions options;
    options.paths = {run.path.empty() ? tree_ : tree_ + "/" + run.path};
    options.recursive = run.flags.find('r') != std::string::npos;
    options.remove_absent = run.flags.find('d') != std::string::npos;
    options.force = options.remove_absent;
    options.cache_directory = scratch_ / run.cache;
    options.threads = run.threads;
    return BackupRun(store, options, {}, clock).run();
  }

  std::vector<SnapshotInfo> history(const std::string& node = "host") {
    const auto session = reading(node);
    const auto snapshots = session->snapshots({});
    EXPECT_TRUE(snapshots);
    return snapshots.value_or(std::vector<SnapshotInfo>());
  }
  // What the head holds, or an older snapshot.
  Listing copy(const std::optional<SnapshotInfo>& of = std::nullopt, const std::string& node = "host") {
    const auto session = reading(node);
    const auto info = of ? of : session->info().head;
    if (!info) return {};
    ObjectReader objects(*session);
    const auto snapshot = load_snapshot(objects, *info);
    EXPECT_TRUE(snapshot) << snapshot.error().message;
    return listing(*session, *snapshot, tree_);
  }
  // Paths are given relative to the tree.
  Listing listing(Session& session, const Snapshot& snapshot, const std::string& beneath) const {
    ObjectReader objects(session);
    Listing listing;
    const Status visited = visit_entries(objects, snapshot, beneath, true,
                                         [&](const std::string& path, const Entry& entry) -> Status {
                                           listing[path.substr(tree_.size() + 1)] = describe(session, entry);
                                           return {};
                                         });
    EXPECT_TRUE(visited) << visited.error().message;
    return listing;
  }
  Listing on_disk(const std::string& beneath = "") const {
    Listing listing;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(tree_ + "/" + beneath)) {
      std::string content = "/";
      if (entry.is_regular_file()) {
        std::ifstream file(entry.path(), std::ios::binary);
        content = {std::istreambuf_iterator<char>(file), {}};
      }
      listing[entry.path().string().substr(tree_.size() + 1)] = content;
    }
    return listing;
  }

  std::unique_ptr<Session> reading(const std::string& node = "host") {
    auto session = served_.connect(node)->begin({.run = random_id<RunId>(), .purpose = SessionPurpose::read});
    if (!session) ADD_FAILURE() << session.error().message;
    return std::move(*session);
  }

  static std::string describe(Session& session, const Entry& entry) {
    std::string text = entry.type == EntryType::directory ? "/" : "";
    if (entry.type == EntryType::file) {
      const Status read = read_content(session, entry, [&](ByteView bytes) -> Status {
        text += as_text(bytes);
        return {};
      });
      if (!read) text = "? " + read.error().message;
    }
    return text + (entry.kept ? " (kept)" : "");
  }

  ServedRepository served_;
  TempDirectory scratch_;
  const std::string tree_ = scratch_ / "tree";
  ChunkLedger ledger_;  // of all runs
};

}  // namespace rb::test
