#include "backup/run_monitor.h"

namespace rb {

std::string_view to_string(PathOutcome outcome) {
  switch (outcome) {
    case PathOutcome::created:
      return "created";
    case PathOutcome::changed:
      return "changed";
    case PathOutcome::unchanged:
      return "unchanged";
    case PathOutcome::removed:
      return "removed";
    case PathOutcome::kept:
      return "kept";
    case PathOutcome::skipped:
      return "skipped";
    case PathOutcome::failed:
      return "failed";
  }
  return "unknown";
}

std::string join_name(std::string_view directory, std::string_view name) {
  if (name.empty()) return std::string(directory);
  std::string path;
  path.reserve(directory.size() + 1 + name.size());
  path = directory;
  if (path.empty() || path.back() != '/') path += '/';
  path += name;
  return path;
}

void RunMonitor::begin_attempt() {
  for (auto* counter : {&created_, &changed_, &unchanged_, &removed_, &failed_, &files_seen_, &bytes_seen_,
                        &warning_count_, &directories_seen}) {
    counter->store(0);
  }
  incomplete_ = false;
  std::lock_guard lock(mutex_);
  warnings_.clear();
  error_.reset();
  if (cancelled()) {
    error_ = Error(Errc::cancelled, "interrupted");
  } else {
    stopped_ = false;
  }
}

void RunMonitor::cancel() {
  cancelled_ = true;
  stop_with(Error(Errc::cancelled, "interrupted"));
}

void RunMonitor::stop_with(Error error) {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  stopped_ = true;
}

Status RunMonitor::status() const {
  if (!stopped()) return {};
  std::lock_guard lock(mutex_);
  return std::unexpected(error_.value_or(Error(Errc::cancelled, "interrupted")));
}

void RunMonitor::outcome(std::string_view directory, std::string_view name, PathOutcome outcome,
                         std::uint64_t bytes) {
  switch (outcome) {
    case PathOutcome::created:
      ++created_;
      break;
    case PathOutcome::changed:
      ++changed_;
      break;
    case PathOutcome::unchanged:
      ++unchanged_;
      break;
    case PathOutcome::removed:
      ++removed_;
      break;
    case PathOutcome::failed:
      ++failed_;
      break;
    case PathOutcome::kept:
    case PathOutcome::skipped:
      break;
  }
  if (!events_.on_path || (outcome == PathOutcome::unchanged && !events_.want_unchanged)) return;
  const std::string path = join_name(directory, name);
  std::lock_guard lock(events_mutex_);
  events_.on_path(path, outcome, bytes);
}

void RunMonitor::add(const WalkTally& tally) {
  unchanged_ += tally.unchanged;
  files_seen_ += tally.files;
  bytes_seen_ += tally.bytes;
}

void RunMonitor::failure(const std::string& path, const std::string& why) {
  incomplete_ = true;
  remember_warning(path, why);
  std::lock_guard lock(events_mutex_);
  if (events_.on_failure) events_.on_failure(path, why);
}

void RunMonitor::warning(const std::string& path, const std::string& what) {
  remember_warning(path, what);
  std::lock_guard lock(events_mutex_);
  if (events_.on_warning) events_.on_warning(path, what);
}

void RunMonitor::notice(const std::string& text) {
  std::lock_guard lock(events_mutex_);
  if (events_.on_notice) events_.on_notice(text);
}

void RunMonitor::notice_once(const std::string& text) {
  {
    std::lock_guard lock(mutex_);
    if (!said_.insert(text).second) return;
  }
  notice(text);
}

void RunMonitor::entering(const std::string& directory) {
  ++directories_seen;
  std::lock_guard lock(mutex_);
  current_path_ = directory;
}

void RunMonitor::expect(std::uint64_t files, std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  files_expected_ = files;
  bytes_expected_ = bytes;
}

void RunMonitor::remember_warning(const std::string& path, const std::string& what) {
  ++warning_count_;
  std::lock_guard lock(mutex_);
  if (warnings_.size() < kMaxSnapshotWarnings) warnings_.push_back(path + ": " + what);
}

SnapshotCounts RunMonitor::counts() const {
  return {.created = created_,
          .changed = changed_,
          .unchanged = unchanged_,
          .removed = removed_,
          .failed = failed_,
          .bytes_read = bytes_read,
          .bytes_new = bytes_new,
          .bytes_sent = bytes_sent};
}

BackupProgress RunMonitor::progress() const {
  BackupProgress progress;
  progress.counts = counts();
  progress.files_seen = files_seen_;
  progress.directories_seen = directories_seen;
  progress.bytes_seen = bytes_seen_;
  std::lock_guard lock(mutex_);
  progress.files_expected = files_expected_;
  progress.bytes_expected = bytes_expected_;
  progress.current_path = current_path_;
  return progress;
}

std::vector<std::string> RunMonitor::warnings() const {
  std::lock_guard lock(mutex_);
  return warnings_;
}

}  // namespace rb
