// Which paths of a snapshot are restored, and where the root of the target is.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "format/entry.h"
#include "format/object_io.h"
#include "tree/root_tree.h"

namespace rb {

// The paths, checked and without those that others include. To another directory, each lands there by its
// last component: two that collide are refused, and "/", which becomes that directory itself, collides with
// all.
Result<std::vector<PathComponents>> plan_paths(const std::vector<std::string>& paths, bool to_directory);

// The entries from "/" down to the path, both included. not_found when there is none, naming what is missing.
Result<std::vector<Entry>> load_path_chain(ObjectSource& source, const ObjectId& root_page,
                                           const PathComponents& path);

struct OpenedTarget {
  UniqueFd fd;
  std::string name;  // for people
  bool was_empty = false;
  bool inherits_group = false;
};

// "/" for "", else the directory, which is created, with its parents, when there is none. The only path of
// the target that goes to the kernel whole and may lead through symlinks: the caller named it.
Result<OpenedTarget> open_target(const std::string& to_directory);

}  // namespace rb
