// Reads packs from end to end: each against its parity, or record by record; corrects what can be corrected,
// and puts the rest into quarantine. What the background scrub and "check --data" do.
#pragma once

#include <set>

#include "check/damage.h"
#include "check/pack_keeper.h"
#include "check/read_log.h"

namespace rb {

struct DataCheckReport {
  std::uint64_t packs = 0, bytes = 0;
  std::uint64_t packs_corrected = 0, sectors_corrected = 0, parities_made = 0;
  std::set<DomainKey> lost;  // found by this reading, known before or not
  Findings findings;
};

struct CheckProgress {
  std::atomic<std::uint64_t> done = 0, total = 0;
};

class DataCheck {
 public:
  DataCheck(RepositoryCore& core, PackKeeper& keeper, ReadLog& log)
      : core_(core), keeper_(keeper), log_(log) {}

  // Reads these packs. Errc::cancelled when the pace is: what was read so far is remembered.
  Status read(const std::vector<std::uint64_t>& packs, Thoroughness thoroughness, Pace& pace,
              CheckProgress& progress, DataCheckReport& report);

  // All packs. One that was interrupted is gone on with.
  Status read_all(Thoroughness thoroughness, Pace& pace, CheckProgress& progress, DataCheckReport& report);

 private:
  Status read_one(std::uint64_t pack, KernelCache cache, Thoroughness thoroughness, Pace& pace,
                  DataCheckReport& report, PackGaps& gaps);
  void tell(std::uint64_t pack, const PackOutcome& outcome, DataCheckReport& report) const;
  bool exists(std::uint64_t pack) const;

  RepositoryCore& core_;
  PackKeeper& keeper_;
  ReadLog& log_;
};

}  // namespace rb
