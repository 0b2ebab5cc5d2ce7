// What a running server does again and again: chores, one at a time, in their order. When one is due is
// counted from the last time that the journal knows; waiting goes by the monotonic clock, so a wall clock
// that jumps makes none run all the time nor stop for years.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace rb::daemon {

// How long until the next one, never longer than the interval.
std::chrono::seconds time_until_due(std::chrono::seconds interval, const std::optional<Timestamp>& last,
                                    const Timestamp& now);

struct Chore {
  std::string failure;              // what the log says before the reason: "nothing was pruned"
  std::chrono::seconds interval{};  // 0: never
  std::function<std::optional<Timestamp>()> last;
  std::function<Status()> run;
};

class Schedule {
 public:
  Schedule(const Clock& clock, std::vector<Chore> chores);
  ~Schedule();

  void start();
  void stop();  // waits for one that is under way; harmless twice
  // Of all chores, in their order.
  void set_intervals(const std::vector<std::chrono::seconds>& intervals);

  // Does what is due, as the thread does again and again. Gives after how long to look again.
  std::chrono::seconds work_once();

 private:
  struct Entry {
    Chore chore;
    std::chrono::nanoseconds not_before{};  // by the monotonic clock: it has just run, or failed
  };
  void run();
  std::optional<std::chrono::seconds> wait_for(const Entry& entry) const;

  const Clock& clock_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Entry> entries_;
  std::uint64_t changes_ = 0;  // of the intervals
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace rb::daemon
