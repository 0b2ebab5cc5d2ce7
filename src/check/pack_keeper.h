// Looks after the files of sealed packs, one at a time: reads them, corrects what their parity can correct,
// and makes parity where it is missing or damaged. Thread-safe.
//
// Nothing is ever deleted here: a corrected pack is a new file, and the damaged one stays beside it as
// "0000002a.pack.damaged-1".
#pragma once

#include <mutex>

#include "check/pack_contents.h"

namespace rb {

enum class Thoroughness : std::uint8_t {
  parity,   // a pack that is to the byte what it was when its parity was made is whole: its records were read
            // then
  records,  // each record is read and unpacked as well
};

struct PackOutcome {
  std::uint64_t bytes = 0;  // of the pack
  std::uint32_t corrected_sectors = 0;
  std::string kept_as;            // the damaged file, where something was corrected
  bool parity_made = false;       // it was missing or damaged
  std::string parity_problem;     // none could be made, or it is of another version
  bool header_damaged = false;    // beyond repair; of no consequence
  std::vector<PackStretch> gaps;  // beyond repair, or never a record
};

class PackKeeper {
 public:
  PackKeeper(RepositoryCore& core, unsigned parity_percent) : core_(core), percent_(parity_percent) {}

  // 0: no parity is made; what there is is used.
  void set_parity_percent(unsigned percent) { percent_ = percent; }
  unsigned parity_percent() const { return percent_; }
  bool has_parity(std::uint64_t pack) const;

  // Of a pack that is not sealed yet the records are read that are durable, and nothing is made. Errors are
  // those of a file that can't be opened or written.
  Result<PackOutcome> look_after(std::uint64_t pack, Thoroughness thoroughness, Pace& pace,
                                 KernelCache cache = KernelCache::drop);

 private:
  struct Wanted {
    Thoroughness thoroughness;
    KernelCache cache;
  };
  struct Examined {
    bool is_intact = false, parity_is_intact = false, records_are_read = false;
  };
  Result<Examined> examine(std::uint64_t pack, const class ParityReader& parity, const Wanted& wanted,
                           Pace& pace, PackOutcome& outcome);
  Result<bool> correct(std::uint64_t pack, const ParityReader& parity, PackOutcome& outcome);
  Status read_records(std::uint64_t pack, KernelCache cache, Pace& pace, PackOutcome& outcome);
  void make_parity(std::uint64_t pack, PackOutcome& outcome);
  Result<std::string> keep_damaged(std::uint64_t pack);

  RepositoryCore& core_;
  std::atomic<unsigned> percent_;
  std::mutex one_at_a_time_;
};

}  // namespace rb
