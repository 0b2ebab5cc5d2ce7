#include "backup/run_attempt.h"

#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

namespace rb {

namespace {

// Threads more than cores are of use while others wait for a disk. Each takes some megabytes, so that many
// cores have no more than these.
constexpr int kSparePerCore = 3, kMaxSpare = 8;

int core_count() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Who says how many threads there may be has no more.
int spare_count(const BackupOptions& options) {
  return options.threads > 0 ? 0 : std::min(kSparePerCore * core_count(), kMaxSpare);
}

int thread_count(const BackupOptions& options) {
  return options.threads > 0 ? options.threads : core_count() + spare_count(options);
}

// Made first where it is missing, so that the first run of all knows its own cache too. Where it can't be
// made there will be no cache.
std::optional<DirectoryIdentity> identity_of_cache(const std::string& directory, bool dry_run) {
  if (!directory.empty() && !dry_run) static_cast<void>(make_cache_directory(directory));
  struct stat st;
  if (directory.empty() || ::stat(directory.c_str(), &st) != 0) return std::nullopt;
  return DirectoryIdentity{.device = st.st_dev, .inode = st.st_ino};
}

// Of the file system that a directory is on; 0 for anything else.
std::uint64_t file_system_of(const PlannedSource& source) {
  if (source.type != EntryType::directory || source.gone) return 0;
  const UniqueFd fd(::open(source.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return fd ? file_system_identity(fd.get()) : 0;
}

}  // namespace

RunAttempt::RunAttempt(Session& session, const BackupOptions& options, CacheUse cache_use,
                       RunMonitor& monitor, const Clock& clock)
    : session_(session),
      options_(options),
      cache_use_(cache_use),
      monitor_(monitor),
      clock_(clock),
      began_(clock.wall()),
      reader_(session),
      uploader_(
          session, monitor,
          {.streams = thread_count(options), .compression = options.compression, .discard = options.dry_run}),
      workspace_(reader_, uploader_),
      cutter_(session.info().chunk_params),
      idle_cores_(spare_count(options)) {
  for (int i = 0; i < thread_count(options); ++i) {
    workers_.push_back(std::make_unique<Worker>(i, cutter_, uploader_, metadata_, monitor));
  }
}

RunAttempt::~RunAttempt() = default;

Result<BackupReport> RunAttempt::run(const SourcePlan& plan, const std::optional<SnapshotInfo>& base,
                                     bool base_lost) {
  if (!base_lost) RB_TRY(load_base(base));
  root_ = base_.root;
  if (!session_.info().wanted.empty()) {
    monitor_.notice("the server asks for damaged data again: everything is read");
  }

  for (const PlannedSource& source : plan.sources) {
    if (source.gone) {
      monitor_.outcome(source.path, "", PathOutcome::removed, 0);
      RB_TRY(splice(source, std::nullopt));
      continue;
    }
    RB_TRY(FinishedSource finished, walk(source));
    // Every run begins by reading the way from the root to the sources: a few objects, together.
    RB_TRY(uploader_.begin_metadata_block());
    RB_TRY(splice(source, finished.walked.entry));
    finished_.push_back(std::move(finished));
  }

  BackupReport report;
  if (!options_.dry_run) {
    if (!root_) return fail(Errc::invalid_argument, "nothing could be read, so there is nothing to commit");
    std::vector<Source> sources;
    sources.reserve(finished_.size());
    for (const FinishedSource& finished : finished_)
      sources.push_back(finished.source);
    RB_TRY(const Committed committed,
           commit_tree(session_, workspace_, uploader_, base_, *root_, sources, [this] { return draft(); }));
    report.snapshot = committed.info;
    report.merged = committed.merged;
    finish_caches();
  }
  const BackupProgress progress = monitor_.progress();
  report.counts = progress.counts;
  report.warnings = monitor_.warning_count();
  report.files_seen = progress.files_seen;
  report.directories_seen = progress.directories_seen;
  report.incomplete = monitor_.incomplete();
  return report;
}

Status RunAttempt::load_base(const std::optional<SnapshotInfo>& base) {
  base_.head = base;
  if (!base) return {};
  RB_TRY(Snapshot snapshot, load_snapshot_object(reader_, *base));
  base_.root = snapshot.root;
  base_.sources = std::move(snapshot.sources);
  return {};
}

Result<FinishedSource> RunAttempt::walk(const PlannedSource& source) {
  const SessionInfo& info = session_.info();
  const CacheKey key{.repository = info.repository, .node = info.node, .root_path = source.path};
  under_way_ = std::make_unique<CacheUpdate>(options_.cache_directory, cache_use_, key);
  auto recheck = std::make_unique<Recheck>(options_.cache_directory, key,
                                           options_.dry_run ? 0 : options_.recheck_bytes, began_);
  const BackupProgress before = monitor_.progress();
  const std::uint64_t warnings_before = monitor_.warning_count();
  monitor_.expect(before.files_seen + recheck->last_files(), before.bytes_seen + recheck->last_bytes());

  std::optional<Entry> head;
  if (base_.root) {
    RB_TRY(head, find_path(workspace_, *base_.root, source.components));
  }
  const std::uint64_t identity = file_system_of(source);
  RB_TRY(check_same_file_system(source, identity));

  WorkerPool pool;
  WalkContext context{.options = options_,
                      .monitor = monitor_,
                      .copy = reader_,
                      .uploader = uploader_,
                      .metadata = metadata_,
                      .cache = *under_way_,
                      .recheck = *recheck,
                      .pool = pool,
                      .idle_cores = idle_cores_,
                      .spare_workers = static_cast<std::size_t>(spare_count(options_)),
                      .root_path = source.path,
                      .now = began_,
                      .trust_nothing = options_.checksum || !info.wanted.empty(),
                      .copy_is_whole = info.wanted.empty(),
                      .root_device = source.device,
                      .own_cache = identity_of_cache(options_.cache_directory, options_.dry_run)};
  FinishedSource finished;
  RB_TRY(finished.walked, walk_source(context, source, std::move(head), workers_));
  finished.cache = std::move(under_way_);
  finished.recheck = std::move(recheck);
  const BackupProgress after = monitor_.progress();
  finished.files = after.files_seen - before.files_seen;
  finished.bytes = after.bytes_seen - before.bytes_seen;
  finished.source = {.path = source.path,
                     .completed = clock_.wall(),
                     .recursive = options_.recursive,
                     .deleting = options_.remove_absent,
                     .warnings = monitor_.warning_count() - warnings_before,
                     .files = finished.files,
                     .bytes = finished.bytes,
                     .device = identity,
                     .excludes = options_.excludes.texts()};
  return finished;
}

Status RunAttempt::check_same_file_system(const PlannedSource& source, std::uint64_t identity) const {
  if (!options_.remove_absent || options_.force || identity == 0) return {};
  for (const Source& last : base_.sources) {
    if (last.path != source.path || last.device == 0 || last.device == identity) continue;
    return fail(Errc::invalid_argument,
                fmt::format("{}: is on another file system than last time; nothing was changed in the copy. "
                            "If that is as it should be, repeat with --force",
                            source.path));
  }
  return {};
}

Status RunAttempt::splice(const PlannedSource& source, std::optional<Entry> entry) {
  if (options_.dry_run) return {};
  // Nothing could be read, and the copy has nothing either.
  if (!entry && !source.gone) return {};
  if (!entry && !root_) return {};
  RB_TRY(const std::vector<Entry> ancestors, read_ancestors(source.components));
  RB_TRY(root_, splice_path(workspace_, workspace_, root_, source.components, ancestors, std::move(entry)));
  return {};
}

// "/", and so on down to the parent: mode and owner only.
Result<std::vector<Entry>> RunAttempt::read_ancestors(const PathComponents& path) {
  std::vector<Entry> ancestors;
  PathComponents so_far;
  for (std::size_t i = 0; i < path.size(); ++i) {
    struct stat st;
    FileStat stat;
    stat.type = EntryType::directory;
    // One that is gone with its children gets no owner and the usual mode.
    stat.mode = 0755;
    if (::stat(join_path(so_far).c_str(), &st) == 0) {
      stat.mode = st.st_mode & 07777;
      stat.uid = st.st_uid;
      stat.gid = st.st_gid;
    }
    ancestors.push_back(metadata_.read_implied(so_far.empty() ? "" : so_far.back(), stat));
    so_far.push_back(path[i]);
  }
  return ancestors;
}

Snapshot RunAttempt::draft() const {
  Snapshot snapshot;
  snapshot.client_time = clock_.wall();
  snapshot.host = options_.host;
  snapshot.client_version = RB_VERSION;
  snapshot.counts = monitor_.counts();
  snapshot.warnings = monitor_.warnings();
  return snapshot;
}

void RunAttempt::finish_caches() {
  for (FinishedSource& finished : finished_) {
    const Status written = finished.cache->finish(finished.walked.cache_root, finished.walked.clean);
    if (!written) monitor_.notice("the cache could not be written: " + written.error().message);
    finished.recheck->save(finished.files, finished.bytes);
  }
}

void RunAttempt::leave_checkpoint(const Error& why) {
  // Best effort: the run has failed already, for a reason that is told elsewhere. A store that failed is not
  // asked.
  if (why.code == Errc::cancelled || why.code == Errc::invalid_argument) static_cast<void>(uploader_.flush());
  if (under_way_) under_way_->checkpoint();
  for (const FinishedSource& finished : finished_)
    finished.cache->checkpoint();
}

}  // namespace rb
