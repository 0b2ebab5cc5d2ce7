// From PATHs as people write them to the places of the copy that a run replaces.
#pragma once

#include "backup/backup.h"
#include "tree/root_tree.h"

namespace rb {

// One path to back up.
struct PlannedSource {
  std::string path;  // absolute, under the real path of its parent
  PathComponents components;
  EntryType type = EntryType::directory;
  std::uint64_t device = 0;  // st_dev: tells whether a nested path lies on the same file system
  bool gone = false;         // -rd --force: it is no more, and leaves the copy
};

struct MissingPath {
  std::string path;
  Error error;
};

struct SourcePlan {
  std::vector<PlannedSource> sources;  // by path; none inside another that covers it
  std::vector<MissingPath> missing;
  std::vector<std::string> notices;
};

// Requires: options.paths is not empty. Looks at the file system, changes nothing. A sole path that is
// missing is an error.
Result<SourcePlan> plan_sources(const BackupOptions& options);

}  // namespace rb
