// From a tree to a snapshot in the node's history: compare-and-swap on the head, and a three-way merge when
// somebody else was first.
#pragma once

#include <functional>

#include "backup/object_uploader.h"
#include "format/snapshot.h"

namespace rb {

// What a run began from.
struct CommitBase {
  std::optional<SnapshotInfo> head;  // nothing: an empty copy, or one that is gone
  std::optional<ObjectId> root;
  std::vector<Source> sources;  // of that snapshot
};

struct Committed {
  SnapshotInfo info;
  bool merged = false;
};

// Replaces, in a list of sources, those that a run took along.
std::vector<Source> merge_sources(std::vector<Source> before, const std::vector<Source>& run);

// The snapshot that `info` names.
Result<Snapshot> load_snapshot_object(ObjectSource& objects, const SnapshotInfo& info);

// Commits `own_root`. `draft` has everything but root, sources and merged; `complete` is called just before
// each try, so that the counts in it are the last ones. Tries again as long as others are faster.
Result<Committed> commit_tree(Session& session, ObjectSource& objects, ObjectUploader& uploader,
                              const CommitBase& base, const ObjectId& own_root,
                              const std::vector<Source>& sources, const std::function<Snapshot()>& draft);

}  // namespace rb
