// Writes files of a snapshot back. Every object is verified before it is used; nothing is ever written
// outside the target whatever the repository says (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS);
// directories' times are set last. Can be interrupted and repeated: what is already as it should be is left
// alone.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "format/snapshot.h"
#include "store/store.h"

namespace rb {

struct RestoreOptions {
  std::vector<std::string> paths;  // absolute, in the snapshot
  std::string to_directory;        // "": where they came from
  bool overwrite = false;          // replace existing files that differ
  bool exact = false;              // leave carried-over (kept) entries out
  int threads = 0;                 // 0: one per core
  bool sync = true;                // wait until everything is on the target's disk (one syncfs at the end)
};

struct RestoreReport {
  std::uint64_t files = 0, directories = 0, others = 0, bytes = 0;
  std::uint64_t already_there = 0;  // found as they should be
  std::uint64_t differing = 0;      // existing, different, left alone: exit status 3
  std::uint64_t failed = 0;         // exit status 3
  double seconds = 0;
};

// Called from several threads, one at a time. Paths are those in the target.
struct RestoreEvents {
  std::function<void(const std::string& path)> on_path;  // restored
  std::function<void(const std::string& path, const std::string& why)>
      on_failure;  // failed, or differing and left
  std::function<void(const std::string& path, const std::string& what)>
      on_warning;  // e.g. owner could not be set
};

struct RestoreProgress {
  std::uint64_t files = 0, bytes = 0;
  std::uint64_t files_expected = 0, bytes_expected = 0;  // 0 until the whole tree was walked
  std::string current_path;
};

class RestoreRun {
 public:
  RestoreRun(Session& session, Snapshot snapshot, RestoreOptions options, RestoreEvents events);
  ~RestoreRun();
  // A Store error (a damaged object included, named with the paths that need it) fails the files concerned
  // and goes on where it can; an unreachable store ends the run.
  Result<RestoreReport> run();
  void cancel();
  RestoreProgress progress() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rb
