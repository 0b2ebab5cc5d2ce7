// A check that an administrator asked for, on a thread of its own: one at a time, looked at while it runs.
// Thread-safe.
#pragma once

#include <thread>

#include "check/structure_check.h"

namespace rb {

struct CheckOrder {
  bool data = false;                   // contents as well, against their checksums
  bool unpack = false;                 // and every block unpacked, every id recomputed
  std::uint64_t bytes_per_second = 0;  // 0: as fast as it goes
};

struct CheckState {
  bool begun = false, running = false, data = false;
  std::uint64_t done = 0, total = 0;  // steps and packs; the total grows
  std::string error;                  // why it did not end; empty: it did, or runs
  std::uint64_t snapshots = 0, objects = 0, references = 0, records = 0;
  std::uint64_t packs_read = 0, bytes_read = 0, sectors_corrected = 0;
  std::uint64_t damaged_copies = 0, damaged_copy_bytes = 0;  // that repairs have left
  Findings findings;                                         // when it has ended
};

class CheckJob {
 public:
  CheckJob(RepositoryCore& core, PackKeeper& keeper, ReadLog& log)
      : core_(core), keeper_(keeper), log_(log) {}
  ~CheckJob();

  // Errc::busy: one is running.
  Status begin(const CheckOrder& order);
  CheckState state() const;
  // Ends it soon; what was read is remembered.
  void cancel();

 private:
  void run(const CheckOrder& order);
  Status check(const CheckOrder& order, StructureCheckReport& structure, DataCheckReport& data);

  RepositoryCore& core_;
  PackKeeper& keeper_;
  ReadLog& log_;
  mutable std::mutex mutex_;  // guards the rest
  std::shared_ptr<Pace> pace_;
  std::shared_ptr<CheckProgress> progress_;
  CheckState state_;
  std::thread thread_;
};

}  // namespace rb
