// One thing to be restored that is not a directory: on its way from the planner to a worker.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>

#include "base/unique_fd.h"
#include "restore/target_directory.h"

namespace rb {

struct FileTask {
  // Set by the planner before anybody else sees the task.
  DirectoryRef directory;  // counted in its `pending`
  Entry entry;
  bool replace = false;  // something else stands there and is to be replaced, once this is complete
  std::optional<ObjectId>
      link_group;            // names of one file to be linked with each other (restore/hard_links.h)
  bool heads_group = false;  // others wait for this one to be complete

  // Written by the planner while pieces of a large file are restored already; read when pending came to zero.
  bool has_holes = false;

  // Pieces that are to be written, and one for the planner. At zero the file is finished.
  std::atomic<std::uint32_t> pending{1};

  // Pieces may be written by several workers at once; the mutex is for what follows.
  std::mutex mutex;
  UniqueFd fd;
  bool created = false;
  std::optional<Error> error;  // the first one

  std::string path() const { return path_of(*directory, entry.name); }
};

}  // namespace rb
