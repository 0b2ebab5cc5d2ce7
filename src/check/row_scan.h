// All rows of the catalog, in stretches, beside everything else that goes on.
#pragma once

#include <functional>

#include "check/pace.h"
#include "repository/repository_core.h"

namespace rb {

struct LocatedRow {
  std::uint32_t domain = 0;
  ObjectId id;
  ObjectRow row;
};
using RowVisitor = std::function<Status(const LocatedRow&)>;

// Leaves out the rows of what a collection found dead, and what has not moved to the catalog yet: rows of
// before the call are there after settle_rows().
Status visit_rows(RepositoryCore& core, const Pace& pace, const RowVisitor& visit);
void settle_rows(RepositoryCore& core);

// What each object refers to, of the objects with numbers below the one given, from the highest down.
Status visit_children(RepositoryCore& core, const Pace& pace, ObjectNumber below,
                      const ChildrenVisitor& visit);

// The row as it is now; nothing if it has gone, or points elsewhere than it did.
Result<bool> still_stands(RepositoryCore& core, const LocatedRow& seen);

}  // namespace rb
