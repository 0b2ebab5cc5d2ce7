// How many threads more than cores there is room for: while threads wait for a disk, cores stand idle.
// Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>

namespace rb {

// Processor time of the whole machine since it started, in ticks.
struct MachineTime {
  std::uint64_t idle = 0, all = 0;
};
// Nothing where the kernel doesn't tell.
bool read_machine_time(MachineTime& time);

class IdleCores {
 public:
  // So many threads may be let in at most.
  explicit IdleCores(int most) : most_(most) {}

  // Looks at the machine now and then, lets one more in where cores idle, and one fewer where none does.
  int room();

  // What is let in after that much time has passed, of which so much was idle.
  static int next_room(int room, int most, const MachineTime& passed);

 private:
  using Clock = std::chrono::steady_clock;

  const int most_;
  std::atomic<int> room_{0};
  std::atomic<Clock::rep> next_look_{0};
  std::mutex mutex_;
  MachineTime last_;
};

}  // namespace rb
