// What damage means: which objects stood where packs are damaged, and whose files they are part of.
#pragma once

#include <map>

#include "check/finding.h"
#include "check/pack_contents.h"
#include "check/salvage.h"

namespace rb {

using PackGaps = std::map<std::uint64_t, std::vector<PackStretch>>;  // by pack

// The rows that point into a gap. Reads all rows once, so it is called once for many packs.
Result<std::vector<LocatedRow>> rows_in_gaps(RepositoryCore& core, const PackGaps& gaps, const Pace& pace);

// What the pages of snapshots say of objects, by number.
struct DamageTrace {
  // Some of the files that need it, as "NODE SNAPSHOT PATH": the newest snapshots first.
  std::map<ObjectNumber, std::vector<std::string>> files;
  PayloadLengths lengths;  // of chunks
};
// Best effort: what can't be read itself is passed over.
DamageTrace trace_damage(RepositoryCore& core, const std::vector<LocatedRow>& lost, const Pace& pace);

// Saves what can be saved of objects in damaged records, and reports the rest as lost. Gives what is lost.
Result<std::vector<LocatedRow>> salvage_or_report(RepositoryCore& core, std::vector<LocatedRow> damaged,
                                                  const PackGaps& gaps, const Pace& pace, Findings& findings);

// Puts the objects into quarantine, and tells of each gap that something stood in.
Status report_lost(RepositoryCore& core, const std::vector<LocatedRow>& lost, const PackGaps& gaps,
                   const Pace& pace, Findings& findings);

}  // namespace rb
