// What the threads of a run share about its course: whether to stop and why, the counters, and the way up to
// the caller. Thread-safe; events reach the caller one at a time.
//
// An error of the store stops the run here, at the place where it shows. Whoever has a failure in hand asks
// stopped() before blaming a source file, so that the two kinds of errors can't be mixed up.
#pragma once

#include <atomic>
#include <mutex>
#include <set>

#include "backup/backup.h"

namespace rb {

// Sums that a directory collects for itself and adds at once, so that no counter is touched for each entry.
struct WalkTally {
  std::uint64_t unchanged = 0, files = 0, bytes = 0;
};

class RunMonitor {
 public:
  explicit RunMonitor(BackupEvents events) : events_(std::move(events)) {}

  // A run that was fenced walks again: outcomes are counted anew, bytes read and sent go on.
  void begin_attempt();

  void cancel();
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  // The first error wins; all work ends soon.
  void stop_with(Error error);
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  // Why the run was stopped, or nothing to complain about.
  Status status() const;

  // Counts what became of a path, and tells it. `directory` and `name` are joined only if somebody listens.
  void outcome(std::string_view directory, std::string_view name, PathOutcome outcome, std::uint64_t bytes);
  void add(const WalkTally& tally);
  bool wants_unchanged() const { return events_.want_unchanged && events_.on_path != nullptr; }

  void failure(const std::string& path, const std::string& why);
  void warning(const std::string& path, const std::string& what);
  void notice(const std::string& text);
  // The same text is said only once in a run.
  void notice_once(const std::string& text);
  void entering(const std::string& directory);
  void expect(std::uint64_t files, std::uint64_t bytes);

  SnapshotCounts counts() const;
  BackupProgress progress() const;
  std::vector<std::string> warnings() const;
  std::uint64_t warning_count() const { return warning_count_.load(); }
  bool incomplete() const { return incomplete_.load(); }

  std::atomic<std::uint64_t> bytes_read{0}, bytes_new{0}, bytes_sent{0}, directories_seen{0};

 private:
  void remember_warning(const std::string& path, const std::string& what);

  const BackupEvents events_;
  std::atomic<bool> cancelled_{false}, stopped_{false}, incomplete_{false};
  std::atomic<std::uint64_t> created_{0}, changed_{0}, unchanged_{0}, removed_{0}, failed_{0};
  std::atomic<std::uint64_t> files_seen_{0}, bytes_seen_{0}, warning_count_{0};
  mutable std::mutex mutex_;  // guards what follows
  std::optional<Error> error_;
  std::vector<std::string> warnings_;
  std::set<std::string> said_;
  std::string current_path_;
  std::uint64_t files_expected_ = 0, bytes_expected_ = 0;
  std::mutex events_mutex_;  // one event at a time; never held together with mutex_
};

// "/a" and "b" give "/a/b"; "/" and "b" give "/b"; an empty name gives the directory.
std::string join_name(std::string_view directory, std::string_view name);

}  // namespace rb
