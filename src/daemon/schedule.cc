#include "daemon/schedule.h"

#include <algorithm>

#include "base/log.h"

namespace rb::daemon {

namespace {

// A failure is looked at again sooner than the next turn, but not so often that it fills the log.
constexpr std::chrono::seconds kAfterFailure{3600};
// Where nothing is ever due: until somebody sets another interval.
constexpr std::chrono::seconds kLongWait = std::chrono::hours(24 * 365);
constexpr std::chrono::seconds kNever{0};

}  // namespace

std::chrono::seconds time_until_due(std::chrono::seconds interval, const std::optional<Timestamp>& last,
                                    const Timestamp& now) {
  if (!last) return std::chrono::seconds(0);
  std::int64_t passed = 0;
  if (__builtin_sub_overflow(now.seconds, last->seconds, &passed)) passed = 0;
  if (passed >= interval.count()) return std::chrono::seconds(0);
  return passed <= 0 ? interval : interval - std::chrono::seconds(passed);
}

Schedule::Schedule(const Clock& clock, std::vector<Chore> chores) : clock_(clock) {
  for (Chore& chore : chores)
    entries_.push_back({.chore = std::move(chore)});
}

Schedule::~Schedule() {
  stop();
}

void Schedule::start() {
  thread_ = std::thread([this] { run(); });
}

void Schedule::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// What failed is tried at once with new settings: they may be why somebody set them.
void Schedule::set_intervals(const std::vector<std::chrono::seconds>& intervals) {
  {
    const std::lock_guard lock(mutex_);
    RB_ASSERT(intervals.size() == entries_.size());
    for (std::size_t i = 0; i < intervals.size(); ++i) {
      entries_[i].chore.interval = intervals[i];
      entries_[i].not_before = {};
    }
    ++changes_;
  }
  changed_.notify_all();
}

void Schedule::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const std::uint64_t seen = changes_;
    lock.unlock();
    const std::chrono::seconds pause = work_once();
    lock.lock();
    changed_.wait_for(lock, pause, [&] { return stopping_ || changes_ != seen; });
  }
}

// Requires: mutex_. Nothing for what is never due.
std::optional<std::chrono::seconds> Schedule::wait_for(const Entry& entry) const {
  if (entry.chore.interval == kNever) return std::nullopt;
  const auto rest = std::chrono::ceil<std::chrono::seconds>(entry.not_before - clock_.monotonic());
  if (rest.count() > 0) return rest;
  return time_until_due(entry.chore.interval, entry.chore.last(), clock_.wall());
}

std::chrono::seconds Schedule::work_once() {
  std::chrono::seconds next = kLongWait;
  std::unique_lock lock(mutex_);
  for (Entry& entry : entries_) {
    if (stopping_) return next;
    const auto wait = wait_for(entry);
    if (!wait) continue;
    if (wait->count() > 0) {
      next = std::min(next, *wait);
      continue;
    }
    const std::chrono::seconds interval = entry.chore.interval;
    const std::uint64_t seen = changes_;
    lock.unlock();
    const Status done = entry.chore.run();
    lock.lock();
    if (!done && done.error().code != Errc::cancelled)
      log(LogLevel::warning, "{}: {}", entry.chore.failure, done.error().message);
    const std::chrono::seconds pause = done ? interval : std::min(interval, kAfterFailure);
    if (changes_ == seen) entry.not_before = clock_.monotonic() + pause;
    next = std::min(next, pause);
  }
  return next;
}

}  // namespace rb::daemon
