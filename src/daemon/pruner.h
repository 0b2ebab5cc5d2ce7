// Prunes all nodes again and again while the server runs. When it is due is counted from the last time that
// the journal knows; waiting goes by the monotonic clock, so a wall clock that jumps makes it neither run all
// the time nor stop for years.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "store/history_keeper.h"

namespace rb::daemon {

// How long until the next one, never longer than the interval.
std::chrono::seconds time_until_pruning(std::chrono::seconds interval, const std::optional<Timestamp>& last,
                                        const Timestamp& now);

class Pruner {
 public:
  // An interval of zero is never. Owns a thread; `keeper` and `clock` must outlive it.
  // `afterwards` is called when all nodes were pruned.
  Pruner(HistoryKeeper& keeper, const Clock& clock, std::chrono::seconds interval,
         std::function<void()> afterwards = {});
  ~Pruner();  // waits for one that is under way

  void set_interval(std::chrono::seconds interval);

 private:
  void run();
  // After how long to look again.
  std::chrono::seconds turn(std::chrono::seconds interval);
  Status prune();

  HistoryKeeper& keeper_;
  const Clock& clock_;
  const std::function<void()> afterwards_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::chrono::seconds interval_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rb::daemon
