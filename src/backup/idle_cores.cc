#include "backup/idle_cores.h"

#include <algorithm>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace rb {

namespace {

// Long beside the kernel's ticks, short beside a backup that reads from a disk.
constexpr std::chrono::milliseconds kInterval{50};

}  // namespace

// The first line of /proc/stat: user, nice, system, idle and iowait, then what belongs to the kernel or
// others.
bool read_machine_time(MachineTime& time) {
  const UniqueFd fd(::open("/proc/stat", O_RDONLY | O_CLOEXEC));
  char text[256] = {};
  if (!fd || ::read(fd.get(), text, sizeof text - 1) <= 0) return false;
  unsigned long long user, nice, system, idle, waiting, interrupts, soft, stolen;
  if (std::sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &waiting,
                  &interrupts, &soft, &stolen) != 8)
    return false;
  time.idle = idle + waiting;
  time.all = user + nice + system + idle + waiting + interrupts + soft + stolen;
  return true;
}

int IdleCores::next_room(int room, int most, const MachineTime& passed) {
  if (passed.idle * 8 > passed.all) return std::min(room + 1, most);
  if (passed.idle * 32 < passed.all) return std::max(room - 1, 0);
  return room;
}

int IdleCores::room() {
  const Clock::time_point now = Clock::now();
  Clock::rep due = next_look_.load(std::memory_order_relaxed);
  const Clock::rep next = (now + kInterval).time_since_epoch().count();
  if (now.time_since_epoch().count() < due || !next_look_.compare_exchange_strong(due, next)) return room_;
  const std::lock_guard lock(mutex_);
  MachineTime time;
  if (!read_machine_time(time)) return room_ = 0;
  if (last_.all != 0 && time.all > last_.all)
    room_ = next_room(room_, most_, {time.idle - std::min(time.idle, last_.idle), time.all - last_.all});
  last_ = time;
  return room_;
}

}  // namespace rb
