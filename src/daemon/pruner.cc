#include "daemon/pruner.h"

#include <algorithm>

#include "base/log.h"

namespace rb::daemon {

namespace {

// A failure is looked at again sooner than the next turn, but not so often that it fills the log.
constexpr std::chrono::seconds kAfterFailure{3600};
// An interval of zero: until somebody sets another one.
constexpr std::chrono::seconds kLongWait = std::chrono::hours(24 * 365);

}  // namespace

std::chrono::seconds time_until_pruning(std::chrono::seconds interval, const std::optional<Timestamp>& last,
                                        const Timestamp& now) {
  if (!last) return std::chrono::seconds(0);
  const std::int64_t passed = now.seconds - last->seconds;
  return std::clamp(interval - std::chrono::seconds(passed), std::chrono::seconds(0), interval);
}

Pruner::Pruner(HistoryKeeper& keeper, const Clock& clock, std::chrono::seconds interval,
               std::function<void()> afterwards)
    : keeper_(keeper),
      clock_(clock),
      afterwards_(std::move(afterwards)),
      interval_(interval),
      thread_([this] { run(); }) {}

Pruner::~Pruner() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Pruner::set_interval(std::chrono::seconds interval) {
  {
    const std::lock_guard lock(mutex_);
    interval_ = interval;
  }
  changed_.notify_all();
}

void Pruner::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const std::chrono::seconds interval = interval_;
    lock.unlock();
    const std::chrono::seconds pause = turn(interval);
    lock.lock();
    changed_.wait_for(lock, pause, [&] { return stopping_ || interval_ != interval; });
  }
}

std::chrono::seconds Pruner::turn(std::chrono::seconds interval) {
  if (interval == std::chrono::seconds(0)) return kLongWait;
  const auto wait = time_until_pruning(interval, keeper_.counters().last_pruning, clock_.wall());
  if (wait > std::chrono::seconds(0)) return wait;
  const Status done = prune();
  if (done) return interval;
  log(LogLevel::warning, "nothing was pruned: {}", done.error().message);
  return std::min(interval, kAfterFailure);
}

Status Pruner::prune() {
  RB_TRY(const std::vector<PrunedNode> nodes, keeper_.prune({}));
  std::uint64_t deleted = 0;
  for (const PrunedNode& node : nodes) {
    deleted += node.deleted;
    if (node.deleted > 0) {
      log(LogLevel::info, "pruned the node \"{}\": {} snapshots deleted, {} kept", node.name, node.deleted,
          node.kept);
    }
  }
  log(LogLevel::info, "pruned: {} nodes, {} snapshots deleted", nodes.size(), deleted);
  if (afterwards_) afterwards_();
  return {};
}

}  // namespace rb::daemon
