// SIGINT, SIGTERM and SIGHUP end a run in an orderly way: the first asks it to stop, the second ends the
// program.
#pragma once

#include <functional>
#include <thread>

namespace rb::cli {

// Blocks the signals in this thread and in those started later. Call in main, before any thread is started.
void block_interrupts();

// While it lives, the first signal calls `on_interrupt` (from a thread of its own). Requires
// block_interrupts().
class InterruptGuard {
 public:
  explicit InterruptGuard(std::function<void()> on_interrupt);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  std::function<void()> on_interrupt_;
  int wake_fd_ = -1;
  std::thread thread_;
};

// Lets the signals do what they do by default: for commands that only read.
void unblock_interrupts();

}  // namespace rb::cli
