// One backup run: walks the paths, sends what the store lacks, commits a snapshot. Knows a Store; knows
// nothing of HTTP, sockets or terminals. docs: design of the run in ARCHITECTURE.md.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "backup/compression.h"
#include "base/clock.h"
#include "format/snapshot.h"
#include "scan/excludes.h"
#include "store/store.h"

namespace rb {

struct BackupOptions {
  std::vector<std::string> paths;  // as given; made absolute and collapsed by plan_sources
  bool recursive = false;          // -r
  bool remove_absent = false;      // -d
  bool dry_run = false;            // walk and compare, send and commit nothing
  bool force = false;              // let -d remove what the guard would refuse
  bool checksum = false;           // read everything; hashes alone decide
  bool one_file_system = false;    // -x
  bool exclude_caches = false;
  std::uint64_t recheck_bytes = 256ull
                                << 20;  // re-read that much of unchanged files at most once a day; 0: never
  Excludes excludes;
  std::string cache_directory;  // "" : no cache
  std::string host;             // label
  int threads = 0;              // 0: one per core, and some more while cores idle
  Compression compression;
};

// What became of one path, for -v and --json. `bytes` is the file's size.
enum class PathOutcome : std::uint8_t { created, changed, unchanged, removed, kept, skipped, failed };
std::string_view to_string(PathOutcome outcome);

struct BackupProgress {  // a copy of the counters at one moment
  SnapshotCounts counts;
  std::uint64_t files_seen = 0, directories_seen = 0, bytes_seen = 0;
  std::uint64_t files_expected = 0, bytes_expected = 0;  // from the cache of the last run; 0 when unknown
  std::string current_path;
};

// Ways up to the caller. Every function may be empty; they are called from several threads, one at a time.
struct BackupEvents {
  std::function<void(const std::string& path, PathOutcome, std::uint64_t bytes)>
      on_path;  // unchanged ones only if wanted
  bool want_unchanged = false;
  std::function<void(const std::string& path, const std::string& why)> on_failure;  // a file: exit status 3
  std::function<void(const std::string& path, const std::string& what)>
      on_warning;                                          // said, exit status unharmed
  std::function<void(const std::string& text)> on_notice;  // "waiting for the server" ...
};

struct BackupReport {
  std::optional<SnapshotInfo> snapshot;  // nothing after a dry run
  SnapshotCounts counts;
  std::uint64_t warnings = 0;
  std::uint64_t files_seen = 0, directories_seen = 0;
  bool incomplete = false;  // something could not be read, or a PATH was missing: exit status 3
  bool merged = false;
  double seconds = 0;
};

// A Store error, or a refusal of -d (Errc::invalid_argument), ends the run without a commit; nothing in the
// copy changed then. Requires: options.paths is not empty.
class BackupRun {
 public:
  BackupRun(Store& store, BackupOptions options, BackupEvents events, const Clock& clock);
  ~BackupRun();
  Result<BackupReport> run();
  // From another thread or a signal-watching one: the run ends soon with Errc::cancelled, keeping its
  // checkpoint.
  void cancel();
  BackupProgress progress() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// rbbackup forget PATH: a new snapshot without it. Gives nothing when the copy holds no such path.
Result<std::optional<SnapshotInfo>> forget_path(Store& store, const std::string& absolute_path,
                                                const std::string& host, const Clock& clock);

}  // namespace rb
