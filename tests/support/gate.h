// A point where threads of a test wait for each other. Every wait ends after a minute, as a failure.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <gtest/gtest.h>

namespace rb::test {

// Opens once, for everybody.
class Gate {
 public:
  void open() {
    {
      const std::lock_guard lock(mutex_);
      open_ = true;
    }
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), [this] { return open_; })) << "nobody came";
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// Opens when so many have arrived.
class Meeting {
 public:
  explicit Meeting(int count) : missing_(count) {}
  void arrive_and_wait() {
    if (arrive() == 0) gate_.open();
    gate_.wait();
  }

 private:
  int arrive() {
    const std::lock_guard lock(mutex_);
    return --missing_;
  }
  Gate gate_;
  std::mutex mutex_;
  int missing_;
};

}  // namespace rb::test
