// A node's commits, newest first, asked for a page at a time as they are needed.
#pragma once

#include <functional>

#include "store/store.h"

namespace rb {

// false from the visitor: enough.
Status visit_snapshot_infos(Session& session, const std::function<Result<bool>(const SnapshotInfo&)>& visit);

}  // namespace rb
