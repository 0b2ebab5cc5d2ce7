// Walks one source: a directory with the pool's threads, or a single file.
#pragma once

#include "backup/source_plan.h"
#include "backup/walk_context.h"

namespace rb {

struct WalkedSource {
  // What the path is now; nothing when it could not be read and the copy has nothing either.
  std::optional<Entry> entry;
  ObjectId cache_root;  // what the cache is finished with
  bool clean = false;   // the old cache stands
};

// `head`: the copy's entry at the path. One worker per thread.
Result<WalkedSource> walk_source(WalkContext& context, const PlannedSource& source, std::optional<Entry> head,
                                 std::span<const std::unique_ptr<Worker>> workers);

}  // namespace rb
