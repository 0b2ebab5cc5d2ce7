// Whether the histories in the catalog are those of the journal, and each snapshot is there and complete.
#pragma once

#include "check/finding.h"
#include "check/row_scan.h"

namespace rb {

struct HistoryCheckReport {
  std::uint64_t snapshots = 0;
};

Result<HistoryCheckReport> check_histories(RepositoryCore& core, const Pace& pace, Findings& findings);

}  // namespace rb
