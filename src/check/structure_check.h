// Whether a repository is what it should be, without reading contents: histories, rows, references, and the
// headers of the records that rows point to.
#pragma once

#include "check/data_check.h"

namespace rb {

struct StructureCheckReport {
  std::uint64_t snapshots = 0, objects = 0, references = 0, records = 0;
  std::set<DomainKey> lost;  // told of in the findings
  Findings findings;
};

// Beside backups, restores and collections. Packs whose headers are damaged are read from end to end with
// `data`, which corrects what can be corrected and quarantines the rest.
Status check_structure(RepositoryCore& core, DataCheck& data, Pace& pace, CheckProgress& progress,
                       StructureCheckReport& report);

}  // namespace rb
