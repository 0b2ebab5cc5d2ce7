// Lets the device read the next pack while the records of this one are being verified: either takes about as
// long. What was read stays in the kernel's memory, and is not kept here. Not thread-safe.
#pragma once

#include <atomic>
#include <thread>

#include "check/pace.h"
#include "repository/repository_core.h"

namespace rb {

class ReadAhead {
 public:
  ReadAhead(RepositoryCore& core, const Pace& pace) : core_(core), pace_(pace) {}
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Drops what the kernel remembers of the pack, and reads it, in the background. Requires: what was begun
  // before is finished.
  void begin(std::uint64_t pack);
  // Waits. Whether the whole pack has just come from the device; false, too, for one that was not begun.
  bool finish(std::uint64_t pack);

 private:
  bool read(std::uint64_t pack) const;

  RepositoryCore& core_;
  const Pace& pace_;
  std::thread thread_;
  std::atomic<bool> stopped_ = false;
  std::uint64_t pack_ = 0;
  bool was_read_ = false;  // the thread's, until it is joined
};

}  // namespace rb
