// Whether the rows of the catalog agree with each other: numbers, references, counts. Memory: three bits for
// each object.
#pragma once

#include "check/finding.h"
#include "check/row_scan.h"

namespace rb {

struct RowCheckReport {
  std::uint64_t objects = 0, references = 0;
  ObjectNumber limit = 0;                          // rows of lower numbers were looked at
  NumberBitmap with_children;                      // of metadata, those that have a row of children
  std::map<std::uint64_t, std::uint64_t> by_pack;  // rows
  std::vector<LocatedRow> broken;                  // complete, but something they refer to is missing
};

Result<RowCheckReport> check_rows(RepositoryCore& core, const Pace& pace, Findings& findings);

}  // namespace rb
