// Compares live files with a snapshot, by the hashes that the snapshot holds: nothing is fetched for that but
// metadata. And proves a restore of some of them without writing: all their contents are fetched and checked.
#pragma once

#include <atomic>
#include <mutex>

#include "format/snapshot.h"
#include "restore/history.h"

namespace rb {

struct VerifyOptions {
  std::vector<std::string> paths;           // absolute; empty: everything in the snapshot
  std::size_t sample_files = 100;           // chosen at random among all that were compared
  std::uint64_t sample_bytes = 1ull << 30;  // no further file is begun beyond
  std::uint64_t seed = 0;
};

enum class VerifyMatter : std::uint8_t {
  changed,     // was changed since; normal
  gone,        // is not there any more; normal
  differs,     // looks unchanged (size and time), and is not what was backed up: one of the two is damaged
  unreadable,  // the live file can't be read
  damaged,     // the copy can't be read back
};

struct VerifyReport {
  std::uint64_t files = 0, bytes = 0;  // compared
  std::uint64_t same = 0, changed = 0, gone = 0, differing = 0, unreadable = 0;
  std::uint64_t sampled = 0, sampled_bytes = 0, damaged = 0;
  bool good() const { return differing == 0 && unreadable == 0 && damaged == 0; }
};

using VerifyEvent = std::function<void(const std::string& path, VerifyMatter matter, const std::string& why)>;

class VerifyRun {
 public:
  // Borrows the session and the objects read through it.
  VerifyRun(Session& session, ObjectSource& objects, const Snapshot& snapshot, VerifyOptions options,
            VerifyEvent on_matter);

  // Errors are those of a store that can't be reached, or a directory of the copy that can't be read.
  Result<VerifyReport> run();
  void cancel() { cancelled_ = true; }
  VerifyReport progress() const;

 private:
  Status take(const std::string& path, const Entry& entry);
  void choose(const std::string& path, const Entry& entry);
  Status read_back();
  Status check_cancelled() const;
  void tell(const std::string& path, VerifyMatter matter, const std::string& why);

  Session& session_;
  ObjectSource& objects_;
  const Snapshot& snapshot_;
  const VerifyOptions options_;
  const VerifyEvent on_matter_;
  std::atomic<bool> cancelled_ = false;
  mutable std::mutex mutex_;  // guards the report, which is looked at meanwhile
  VerifyReport report_;
  struct Sampled {
    std::string path;
    Entry entry;
  };
  std::vector<Sampled> sample_;
  std::uint64_t candidates_ = 0;
  std::uint64_t random_state_;
};

}  // namespace rb
