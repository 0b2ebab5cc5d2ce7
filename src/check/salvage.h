// Saves what is left in records that are damaged beyond what parity corrects: what can be proven is written
// anew, into a pack of the collector's kind, and its rows are moved there. The damaged record stays as it is.
#pragma once

#include <map>

#include "check/row_scan.h"

namespace rb {

using SalvagedCounts = std::map<PackPosition, std::size_t>;    // objects, by damaged record
using PayloadLengths = std::map<ObjectNumber, std::uint32_t>;  // of objects, where others say so

// Takes those that it saved out of `lost`. What can't be written now, because the disk is full, stays in it:
// the next reading finds it again.
SalvagedCounts salvage_lost(RepositoryCore& core, const PayloadLengths& lengths,
                            std::vector<LocatedRow>& lost);

}  // namespace rb
