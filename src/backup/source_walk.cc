#include "backup/source_walk.h"

#include <algorithm>
#include <thread>

#include <fcntl.h>

#include "backup/directory_task.h"
#include "backup/read_batch.h"

namespace rb {

namespace {

// An exception (memory) ends the run, not the program.
template <typename Work>
void guarded(WalkContext& context, const Work& work) {
  try {
    work();
  } catch (const std::exception& e) {
    context.monitor.stop_with(Error(Errc::io, std::string("out of resources: ") + e.what()));
    context.pool.close();
  }
}

// All but the first worker, at the pool's work until it is closed; the spare ones, which are the last, while
// cores idle.
std::vector<std::jthread> start_threads(WalkContext& context,
                                        std::span<const std::unique_ptr<Worker>> workers) {
  std::vector<std::jthread> threads;
  const std::size_t busy = workers.size() - context.spare_workers;
  for (std::size_t i = 1; i < workers.size(); ++i) {
    threads.emplace_back([&context, busy, i, &worker = *workers[i]] {
      guarded(context, [&] {
        if (i < busy) return context.pool.work(worker);
        const int others = static_cast<int>(i - busy);
        context.pool.work_beside(worker, [&context, others] { return context.idle_cores.room() > others; });
      });
    });
  }
  return threads;
}

Result<WalkedSource> walk_directory(WalkContext& context, const PlannedSource& source,
                                    std::optional<Entry> head,
                                    std::span<const std::unique_ptr<Worker>> workers) {
  ChildResult result;
  DirectoryTask::Origin origin;
  origin.path = source.path;
  origin.name = source.components.empty() ? "" : source.components.back();
  origin.head = head;
  origin.depth = static_cast<int>(source.components.size());
  std::vector<std::jthread> threads = start_threads(context, workers);
  guarded(context, [&] {
    auto root = std::make_shared<DirectoryTask>(context, std::move(origin), nullptr, 0);
    root->on_done([&](ChildResult done) {
      result = std::move(done);
      context.pool.close();
    });
    DirectoryTask::start(std::exchange(root, nullptr), *workers[0]);
    context.pool.work(*workers[0]);
  });
  threads.clear();
  RB_TRY(context.monitor.status());

  WalkedSource walked;
  walked.clean = result.clean;
  switch (result.kind) {
    case ChildResult::Kind::not_walked:
      return fail(Errc::cancelled, "interrupted");
    case ChildResult::Kind::made:
      walked.entry = std::move(result.made->entry);
      break;
    case ChildResult::Kind::unchanged:
      walked.entry = std::move(head);
      break;
    case ChildResult::Kind::keep:
    case ChildResult::Kind::excluded:
      if (head && !head->kept) head->kept = Kept{.reason = result.reason, .since = context.now};
      walked.entry = std::move(head);
      break;
    case ChildResult::Kind::vanished:
    case ChildResult::Kind::not_a_directory:
      context.monitor.failure(source.path, "vanished while it was being backed up");
      walked.entry = std::move(head);
      break;
  }
  if (walked.entry && walked.entry->content_kind == ContentKind::tree)
    walked.cache_root = walked.entry->content;
  return walked;
}

// What the cache remembers of a single file: as a directory of its own that has this one row, or as a row of
// the directory that a wider cache knows.
std::unique_ptr<CachedDirectory> find_row(const FileCache* cache, const PlannedSource& source,
                                          std::string_view name) {
  if (!cache) return nullptr;
  PathComponents parent = source.components;
  parent.pop_back();
  for (const std::string& path : {source.path, join_path(parent)}) {
    auto rows = cache->find(path);
    while (rows && rows->current() && rows->current()->name < name)
      rows->next();
    if (rows && rows->current() && rows->current()->name == name) return rows;
  }
  return nullptr;
}

// The cached entry, if the file looks as it did then and the store holds the content.
Result<std::optional<Entry>> reuse_row(WalkContext& context, CachedDirectory& row, const FileStat& stat,
                                       const std::optional<Entry>& head) {
  if (context.trust_nothing || row.current()->type != stat.type ||
      !looks_unchanged(row.current()->signature, stat)) {
    return std::nullopt;
  }
  RB_TRY(const Entry* const entry, row.entry());
  if (*entry == head) return *entry;
  std::vector<ObjectId> refs;
  append_refs(*entry, refs);
  RB_TRY(const std::vector<bool> held, context.uploader.held(refs));
  if (std::find(held.begin(), held.end(), false) != held.end()) return std::nullopt;
  return *entry;
}

// A file's cache holds one row under the file's own path; its tree is the zero id, which nobody stores.
void remember_file(WalkContext& context, const std::string& path, const Entry& entry,
                   const Signature& signature) {
  auto directory = context.cache.begin_directory(path);
  if (!directory) return;
  directory->add_row(entry.name, entry.type, signature);
  const Object page = encode_tree_page({.entries = {entry}});
  directory->close_page(object_id(page), page);
  directory->close(ObjectId{}, {});
}

Result<WalkedSource> keep_unreadable(WalkContext& context, const PlannedSource& source,
                                     std::optional<Entry> head, const std::string& why) {
  context.monitor.failure(source.path, why);
  context.monitor.outcome(source.path, "", PathOutcome::failed, 0);
  if (head && !head->kept) head->kept = Kept{.reason = KeptReason::unreadable, .since = context.now};
  return WalkedSource{.entry = std::move(head), .cache_root = {}, .clean = true};
}

Result<WalkedSource> walk_file(WalkContext& context, const PlannedSource& source, std::optional<Entry> head,
                               Worker& worker) {
  const std::string name = source.components.back();
  PathComponents parent_path = source.components;
  parent_path.pop_back();
  auto parent = OpenDirectory::open(AT_FDCWD, join_path(parent_path).c_str());
  if (!parent) return keep_unreadable(context, source, std::move(head), parent.error().message);
  const auto stat = parent->stat(name.c_str());
  if (!stat) return keep_unreadable(context, source, std::move(head), stat.error().message);
  if (stat->type == EntryType::directory) {
    return keep_unreadable(context, source, std::move(head),
                           "became a directory while it was being backed up");
  }
  context.monitor.add({.unchanged = 0, .files = 1, .bytes = stat->size});

  if (const auto row = find_row(context.cache.old(), source, name)) {
    const Signature signature = row->current()->signature;
    RB_TRY(auto reused, reuse_row(context, *row, *stat, head));
    if (reused) {
      context.monitor.outcome(source.path, "", reused == head ? PathOutcome::unchanged : PathOutcome::changed,
                              reused->size);
      const bool own_row = context.cache.old()->root_tree() == ObjectId{};
      if (!own_row) remember_file(context, source.path, *reused, signature);
      return WalkedSource{.entry = reused, .cache_root = {}, .clean = own_row};
    }
  }
  FileReader::Help help{.pool = &context.pool, .worker = &worker};
  if (context.copy_is_whole && head) {
    help.copy = &*head;
    help.source = &context.copy;
  }
  ReadResult read = worker.entries.read(*parent, name.c_str(), *stat, help);
  RB_TRY(context.monitor.status());
  if (read.status != ReadResult::Status::done) {
    const bool gone = read.status == ReadResult::Status::vanished;
    return keep_unreadable(context, source, std::move(head), gone ? "vanished" : read.error.message);
  }
  if (read.moved) {
    context.monitor.warning(source.path, "changed while it was being read; stored as it was read");
  }
  const PathOutcome outcome = !head                ? PathOutcome::created
                              : head == read.entry ? PathOutcome::unchanged
                                                   : PathOutcome::changed;
  context.monitor.outcome(source.path, "", outcome, read.entry.size);
  remember_file(context, source.path, read.entry, read.signature);
  return WalkedSource{.entry = std::move(read.entry), .cache_root = {}, .clean = false};
}

}  // namespace

Result<WalkedSource> walk_source(WalkContext& context, const PlannedSource& source, std::optional<Entry> head,
                                 std::span<const std::unique_ptr<Worker>> workers) {
  if (source.type == EntryType::directory) return walk_directory(context, source, std::move(head), workers);
  std::vector<std::jthread> threads = start_threads(context, workers);
  Result<WalkedSource> walked = fail(Errc::cancelled, "interrupted");
  guarded(context, [&] { walked = walk_file(context, source, std::move(head), *workers[0]); });
  context.pool.close();
  threads.clear();
  RB_TRY(context.monitor.status());
  return walked;
}

}  // namespace rb
