// The rolling re-check: at most once a day a run re-reads some files that look unchanged, going on where the
// last one stopped, so that no heuristic is believed for ever. Its state, and what the last walk counted (for
// the progress display), is a tiny file beside the cache; losing it costs nothing. Thread-safe.
#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "scan/file_cache.h"

namespace rb {

class Recheck {
 public:
  // `budget` 0 turns it off. "" for no directory: there is no state, so nothing is re-read.
  Recheck(const std::string& cache_directory, const CacheKey& key, std::uint64_t budget,
          const Timestamp& now);

  bool active() const { return active_.load(std::memory_order_relaxed); }
  // Whether to read this unchanged file all the same; takes its size off the budget.
  bool take(const std::string& path, std::uint64_t size);

  std::uint64_t last_files() const { return last_files_; }
  std::uint64_t last_bytes() const { return last_bytes_; }

  // After a commit. Errors don't matter.
  void save(std::uint64_t files, std::uint64_t bytes);

 private:
  void load();

  std::string file_;  // empty: no state
  Timestamp now_;
  std::int64_t last_time_ = 0;
  std::uint64_t last_files_ = 0, last_bytes_ = 0;
  std::atomic<bool> active_{false};
  bool ran_ = false;
  std::mutex mutex_;
  std::uint64_t left_ = 0;
  std::string resume_after_;  // paths up to this one were re-checked
  std::string reached_;       // the last path taken in this run
};

}  // namespace rb
