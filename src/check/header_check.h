// Whether each row of the catalog says of its record what the record's own headers say. Reads the fronts of
// records only, in the order of the packs; rows are taken in groups of packs, 16 bytes of each, so memory is
// bounded.
#pragma once

#include <set>

#include "check/damage.h"
#include "check/data_check.h"
#include "check/row_check.h"

namespace rb {

struct HeaderCheckReport {
  std::uint64_t records = 0;
  std::vector<LocatedRow> wrong;  // point at something else than they say
  std::set<std::uint64_t> damaged_packs;
};

Result<HeaderCheckReport> check_headers(RepositoryCore& core, const RowCheckReport& rows, Pace& pace,
                                        CheckProgress& progress);

}  // namespace rb
