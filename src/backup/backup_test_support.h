// For the tests of this layer: real trees in a scratch directory, runs against a MemoryStore, and the copy as
// text.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "backup/backup.h"
#include "format/entry.h"
#include "store/memory_store.h"

namespace rb::test {

// A directory of its own for a test, gone afterwards (even what it made unreadable).
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

void write_file(const std::string& path, std::string_view content);
void make_directory(const std::string& path);
void remove_all(const std::string& path);
// Incompressible and the same for a seed.
std::string noise(std::size_t bytes, unsigned seed);
// What Client::copy writes for a content that is too long to be written out.
std::string digest(std::string_view content);
// Until files written before now have a ctime that the rule of trust believes.
void let_times_settle();

// One node's client: its store, its cache directory, its clock.
class Client {
 public:
  Client();
  explicit Client(std::shared_ptr<MemoryRepository> repository);

  MemoryStore& store() { return *store_; }
  const std::string& cache_directory() const { return cache_path_; }
  void forget_cache() { cache_path_ = *cache_ / "another"; }

  struct Heard {
    std::vector<std::string> failures, warnings, notices;
    std::map<std::string, PathOutcome> outcomes;
  };
  // The events of the last run.
  const Heard& heard() const { return heard_; }

  BackupOptions options(std::vector<std::string> paths) const;
  // "-r", "-d", "-rd", "" and so on; `adjust` may change the rest.
  Result<BackupReport> back_up(std::vector<std::string> paths, std::string_view flags = "-r",
                               const std::function<void(BackupOptions&)>& adjust = {});

  // The current copy beneath `path`, one line an entry: "a/b = content", "a/ (kept absent)", "link ->
  // target". The path itself comes first, as ".".
  std::vector<std::string> copy(const std::string& path);
  std::optional<Entry> entry(const std::string& path);
  std::optional<Snapshot> snapshot();
  std::optional<ObjectId> root() { return snapshot() ? std::optional(snapshot()->root) : std::nullopt; }

 private:
  std::shared_ptr<ScratchDirectory> cache_;
  std::string cache_path_;
  std::unique_ptr<MemoryStore> store_;
  Heard heard_;
};

}  // namespace rb::test
