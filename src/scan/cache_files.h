// Which files of a cache directory belong to a key. <32 hex digits of the key>.cache is the finished one;
// <32 hex digits>.<random>.checkpoint is written by a run under way, which holds a lock (flock) on it: one
// without a lock was left by a run that is dead. No process id and no clock is asked.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "scan/file_cache.h"

namespace rb {

class CacheFiles {
 public:
  CacheFiles(std::string directory, const CacheKey& key);

  const Digest& key() const { return key_; }
  const std::string& finished() const { return finished_; }
  // Of dead runs, the one written to last first.
  std::vector<std::string> dead_checkpoints() const;
  // Removes all but the newest `keep` checkpoints of dead runs.
  void remove_dead_checkpoints(std::size_t keep) const;

  struct NewFile {
    UniqueFd fd;  // locked as long as it is open
    std::string path;
  };
  // Makes the directory too, when it is missing (0700).
  Result<NewFile> create_checkpoint() const;

 private:
  std::string directory_;
  Digest key_;
  std::string prefix_;  // the name's first part
  std::string finished_;
};

}  // namespace rb
