// What the parts of one walk share: one source, under one session of the store.
#pragma once

#include "backup/cache_update.h"
#include "backup/idle_cores.h"
#include "backup/recheck.h"
#include "backup/worker.h"
#include "backup/worker_pool.h"

namespace rb {

// A directory on this machine, whatever its path.
struct DirectoryIdentity {
  std::uint64_t device = 0, inode = 0;
  bool operator==(const DirectoryIdentity&) const = default;
};

struct WalkContext {
  const BackupOptions& options;
  RunMonitor& monitor;
  ObjectSource& copy;  // reads the tree that the run began from
  ObjectUploader& uploader;
  MetadataReader& metadata;
  CacheUpdate& cache;
  Recheck& recheck;
  WorkerPool& pool;
  IdleCores& idle_cores;          // lets in
  std::size_t spare_workers = 0;  // the last so many of the workers
  std::string root_path;          // the source
  Timestamp now;                  // what `kept` marks say
  bool trust_nothing = false;     // --checksum, or the store asks for damaged objects again
  bool copy_is_whole = false;     // what the tree that the run began from names, the store has
  std::uint64_t root_device = 0;  // where -x stays
  std::optional<DirectoryIdentity> own_cache;
};

}  // namespace rb
