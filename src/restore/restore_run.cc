// The run as a whole: what to restore to where, the threads, and the end.
#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "restore/batch_worker.h"
#include "restore/planner.h"
#include "restore/restore.h"
#include "restore/run_context.h"
#include "restore/target_paths.h"
#include "store/object_reader.h"
#include "tree/directory_cursor.h"

namespace rb {
namespace {

constexpr std::size_t kReaderCacheBytes = 32 << 20;

int default_threads() {
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

// Handles for directories; what is left is for files being written and for the store.
std::size_t handle_capacity() {
  return std::clamp<std::size_t>(raise_open_file_limit() / 4, 64, 4096);
}

}  // namespace

struct RestoreRun::Impl {
  Impl(Session& session_in, Snapshot snapshot_in, RestoreOptions options_in, RestoreEvents events)
      : session(session_in),
        snapshot(std::move(snapshot_in)),
        options(std::move(options_in)),
        context(std::move(events)),
        objects(session, kReaderCacheBytes),
        handles(handle_capacity()),
        metadata(objects, context),
        writer({context, handles, metadata, links, options.overwrite}),
        planner(
            {objects, context, handles, metadata, links, writer, queue, options.overwrite, options.exact}) {}

  int thread_count() const { return options.threads > 0 ? options.threads : default_threads(); }
  Result<RestoreReport> run();
  Status restore_all();
  Status restore_path(const PathComponents& path);
  Status restore_root(const Entry& entry);
  Result<DirectoryRef> parent_in_place(const std::vector<Entry>& chain);
  void start_workers();
  void stop_workers();
  RestoreReport report() const;

  Session& session;
  Snapshot snapshot;
  RestoreOptions options;
  RunContext context;
  ObjectReader objects;
  DirectoryHandles handles;
  MetadataWriter metadata;
  HardLinks links;
  FileWriter writer;
  BatchQueue queue;
  RestorePlanner planner;
  DirectoryRef root;
  bool root_was_empty = false;
  std::map<std::string, DirectoryRef> ancestors;  // by path; held until everything is planned
  std::vector<std::thread> workers;
};

void RestoreRun::Impl::start_workers() {
  // One more than cores: while one waits for the store, another writes.
  for (int i = 0; i < thread_count() + 1; ++i) {
    workers.emplace_back([this] {
      BatchWorker worker(session, queue, writer, context);
      while (std::shared_ptr<RestoreBatch> batch = queue.pop()) {
        worker.process(*batch);
        worker.rest();
        queue.finished(batch);
      }
    });
  }
}

void RestoreRun::Impl::stop_workers() {
  queue.close();
  for (std::thread& worker : workers)
    worker.join();
  workers.clear();
}

// "/" becomes the target itself. What was empty is as if we had made it: its metadata is the snapshot's.
Status RestoreRun::Impl::restore_root(const Entry& entry) {
  RB_TRY(const DirectoryHandles::Handle handle, handles.open(*root));
  const Examined found = metadata.examine_directory(handle->get(), entry);
  DirectoryFinish finish = DirectoryFinish::nothing;
  const bool ours = options.overwrite || found.agreement == Agreement::unfinished;
  if (ours || (root_was_empty && ::fchmod(handle->get(), kUnfinishedDirectoryMode) == 0)) {
    finish = entry.implied ? DirectoryFinish::owner_mode : DirectoryFinish::all;
    ++context.counters.directories;
  } else if (found.agreement == Agreement::agrees) {
    finish = entry.implied ? DirectoryFinish::nothing : DirectoryFinish::times;
    ++context.counters.already_there;
  } else if (!entry.implied) {
    context.differing(path_of(*root), found.why);
  }
  planner.restore_into(root, entry, finish);
  return {};
}

// The directory a PATH came from. Ancestors that are gone are made as they were, without times.
Result<DirectoryRef> RestoreRun::Impl::parent_in_place(const std::vector<Entry>& chain) {
  DirectoryRef at = root;
  for (std::size_t i = 1; i + 1 < chain.size(); ++i) {
    const std::string path = path_of(*at, chain[i].name);
    DirectoryRef& known = ancestors[path];
    if (!known) {
      Entry ancestor = chain[i];
      ancestor.implied = true;
      known = planner.make_directory(at, ancestor);
      if (!known) return fail(Errc::conflict, fmt::format("{} can't be restored where it came from", path));
    }
    at = known;
  }
  return at;
}

Status RestoreRun::Impl::restore_path(const PathComponents& path) {
  RB_TRY(std::vector<Entry> chain, load_path_chain(objects, snapshot.root, path));
  if (options.exact) {
    const auto kept =
        std::find_if(chain.begin(), chain.end(), [](const Entry& e) { return e.kept.has_value(); });
    if (kept != chain.end())
      return fail(Errc::not_found, "it was carried over from an earlier run, and is left out");
  }
  context.set_current(join_path(path));
  if (path.empty()) return restore_root(chain.back());
  DirectoryRef parent = root;
  if (options.to_directory.empty()) {
    RB_TRY(parent, parent_in_place(chain));
  }
  planner.restore(parent, chain.back());
  return {};
}

Status RestoreRun::Impl::restore_all() {
  RB_TRY(const std::vector<PathComponents> paths, plan_paths(options.paths, !options.to_directory.empty()));
  RB_TRY(OpenedTarget target, open_target(options.to_directory));
  root = std::make_shared<TargetDirectory>(&handles);
  root->name = target.name;
  root->inherits_group = target.inherits_group;
  root_was_empty = target.was_empty;
  handles.set_root(*root, std::move(target.fd));

  start_workers();
  std::optional<Error> refused;
  std::size_t begun = 0;
  for (const PathComponents& path : paths) {
    if (context.stopped()) break;
    Status restored = restore_path(path);
    if (restored) {
      ++begun;
    } else if (!concerns_object(restored.error()) && restored.error().code != Errc::conflict) {
      context.stop(restored.error());
    } else {
      // A parent that could not be made was reported already; counting PATH as well would hide nothing.
      context.failed(join_path(path), restored.error().message);
      if (!refused) refused = restored.error().with(join_path(path));
    }
  }
  for (auto& [path, directory] : ancestors) {
    if (directory) writer.release_directory(std::move(directory));
  }
  ancestors.clear();
  planner.finish();
  stop_workers();
  writer.set_late_flags();
  if (!context.stopped()) writer.release_directory(root);
  if (const std::optional<Error> verdict = context.verdict()) return std::unexpected(*verdict);
  if (begun == 0 && refused) return std::unexpected(*refused);
  return {};
}

RestoreReport RestoreRun::Impl::report() const {
  const RunContext::Counters& c = context.counters;
  RestoreReport report;
  report.files = c.files;
  report.directories = c.directories;
  report.others = c.others;
  report.bytes = c.bytes;
  report.already_there = c.already_there;
  report.differing = c.differing;
  report.failed = c.failed;
  return report;
}

Result<RestoreReport> RestoreRun::Impl::run() {
  const auto begin = std::chrono::steady_clock::now();
  RB_TRY(restore_all());
  context.summarise_metadata();
  RB_TRY(const DirectoryHandles::Handle handle, handles.open(*root));
  if (options.sync && ::syncfs(handle->get()) != 0 && errno != EBADF)
    return fail_errno("writing the target to disk", errno);
  RestoreReport result = report();
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

RestoreRun::RestoreRun(Session& session, Snapshot snapshot, RestoreOptions options, RestoreEvents events)
    : impl_(std::make_unique<Impl>(session, std::move(snapshot), std::move(options), std::move(events))) {}

RestoreRun::~RestoreRun() = default;

Result<RestoreReport> RestoreRun::run() {
  return impl_->run();
}

void RestoreRun::cancel() {
  impl_->context.stop(Error(Errc::cancelled, "interrupted"));
}

RestoreProgress RestoreRun::progress() const {
  const RunContext::Counters& c = impl_->context.counters;
  RestoreProgress progress;
  progress.files = c.files + c.already_there;
  progress.bytes = c.bytes;
  if (c.planned_all) {
    progress.files_expected = c.files_planned;
    progress.bytes_expected = c.bytes_planned;
  }
  progress.current_path = impl_->context.current();
  return progress;
}

}  // namespace rb
