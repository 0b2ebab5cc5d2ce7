// One try at a run, under one session of the store: walk every source, put the trees into the copy's, commit.
// When the session ends under it (fenced), the run begins another; what was stored and the cache's checkpoint
// make that cheap.
#pragma once

#include "backup/snapshot_commit.h"
#include "backup/source_walk.h"
#include "backup/tree_workspace.h"
#include "backup/walk_context.h"
#include "chunk/cutter.h"
#include "store/object_reader.h"

namespace rb {

// A source that was walked, and its cache, which is renewed after the commit.
struct FinishedSource {
  std::unique_ptr<CacheUpdate> cache;
  std::unique_ptr<Recheck> recheck;
  WalkedSource walked;
  Source source;
  std::uint64_t files = 0, bytes = 0;
};

class RunAttempt {
 public:
  RunAttempt(Session& session, const BackupOptions& options, CacheUse cache_use, RunMonitor& monitor,
             const Clock& clock);
  ~RunAttempt();

  // Requires: the session's base, where the run remembers one, in `base`; `base_lost` when the store does
  // not.
  Result<BackupReport> run(const SourcePlan& plan, const std::optional<SnapshotInfo>& base, bool base_lost);
  // After a failure: what was stored and found out is left for the next run to find.
  void leave_checkpoint(const Error& why);

 private:
  Status load_base(const std::optional<SnapshotInfo>& base);
  Result<FinishedSource> walk(const PlannedSource& source);
  Status check_same_file_system(const PlannedSource& source, std::uint64_t identity) const;
  Status splice(const PlannedSource& source, std::optional<Entry> entry);
  Result<std::vector<Entry>> read_ancestors(const PathComponents& path);
  Snapshot draft() const;
  void finish_caches();

  Session& session_;
  const BackupOptions& options_;
  const CacheUse cache_use_;
  RunMonitor& monitor_;
  const Clock& clock_;
  const Timestamp began_;
  ObjectReader reader_;
  ObjectUploader uploader_;
  TreeWorkspace workspace_;
  Cutter cutter_;
  IdleCores idle_cores_;
  MetadataReader metadata_;
  std::vector<std::unique_ptr<Worker>> workers_;
  CommitBase base_;
  std::optional<ObjectId> root_;  // the tree as it is so far
  std::vector<FinishedSource> finished_;
  std::unique_ptr<CacheUpdate> under_way_;
};

}  // namespace rb
