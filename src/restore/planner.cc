#include "restore/planner.h"

#include <algorithm>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/limits.h"
#include "tree/content_cursor.h"

namespace rb {
namespace {

// A batch keeps one worker busy for a while. The first ones are smaller, so that all workers start at once.
// The bytes of a batch are never in memory together.
constexpr std::size_t kBatchBytes = 64 << 20;
constexpr std::size_t kFirstBatchBytes = 4 << 20;
constexpr std::size_t kBatchWeight = 8192;
constexpr std::size_t kFirstBatchWeight = 128;
constexpr std::size_t kBatchLargeFiles = 64;
static_assert(kBatchWeight <= kMaxReadIds);

// How many levels of the walk keep their pages.
constexpr std::size_t kLevelsWithPages = 32;

}  // namespace

void RestorePlanner::report(const TargetDirectory& parent, const std::string& name, const Error& error) {
  RunContext& context = parts_.context;
  if (context.stopped()) return;
  const std::string path = path_of(parent, name);
  if (error.code == Errc::no_space) {
    context.stop(
        Error(Errc::no_space, fmt::format("the target's disk is full: {}: {}", path, error.message)));
  } else if (error.code == Errc::conflict) {
    context.differing(path, error.message);
  } else {
    context.failed(path, error.message);
  }
}

void RestorePlanner::restore(const DirectoryRef& parent, const Entry& entry) {
  if (entry.type != EntryType::directory) return add_file(parent, entry);
  const DirectoryRef directory = make_directory(parent, entry);
  if (!directory) return;
  enter(directory, entry);
  walk();
}

void RestorePlanner::restore_into(const DirectoryRef& directory, const Entry& entry, DirectoryFinish finish) {
  directory->entry = entry;
  directory->finish = finish;
  ++directory->pending;
  enter(directory, entry);
  walk();
}

void RestorePlanner::enter(DirectoryRef directory, const Entry& entry) {
  EntryWalk entries;
  if (entry.content_kind == ContentKind::tree) entries = EntryWalk(parts_.objects, entry.content);
  levels_.push_back({std::move(directory), std::move(entries)});
  if (levels_.size() > kLevelsWithPages) levels_[levels_.size() - kLevelsWithPages - 1].walk.suspend();
}

void RestorePlanner::leave() {
  parts_.writer.release_directory(std::move(levels_.back().directory));
  levels_.pop_back();
  if (levels_.empty()) return;
  Level& top = levels_.back();
  if (Status resumed = top.walk.resume(); !resumed) report(*top.directory, "", resumed.error());
}

void RestorePlanner::walk() {
  while (!levels_.empty()) {
    Level& top = levels_.back();
    if (parts_.context.stopped()) {
      leave();
      continue;
    }
    const Result<const Entry*> entry = top.walk.next();
    if (!entry) {
      if (!concerns_object(entry.error())) parts_.context.stop(entry.error());
      report(*top.directory, "", entry.error().with("some of this directory can't be restored"));
    } else if (*entry == nullptr) {
      leave();
    } else {
      step(**entry);
    }
  }
}

void RestorePlanner::step(const Entry& entry) {
  const DirectoryRef parent = levels_.back().directory;
  if (parts_.exact && entry.kept) return;
  if (entry.type != EntryType::directory) return add_file(parent, entry);
  if (levels_.size() >= static_cast<std::size_t>(kMaxDirectoryDepth)) {
    return report(*parent, entry.name, Error(Errc::unsupported, "directories are nested too deeply"));
  }
  if (DirectoryRef directory = make_directory(parent, entry)) enter(std::move(directory), entry);
}

DirectoryRef RestorePlanner::make_directory(const DirectoryRef& parent, const Entry& entry) {
  const auto refuse = [&](const Error& error) {
    report(*parent, entry.name, error);
    return DirectoryRef();
  };
  if (Status name = check_target_name(entry.name); !name) return refuse(name.error());
  const Result<DirectoryHandles::Handle> handle = parts_.handles.open(*parent);
  if (!handle) return refuse(handle.error());
  const int at = (*handle)->get();
  const auto make = [&] { return ::mkdirat(at, entry.name.c_str(), kUnfinishedDirectoryMode) == 0; };
  bool made = make();
  if (!made && errno != EEXIST) return refuse(fail_errno("creating the directory", errno).error());
  Result<UniqueFd> fd = open_beneath(at, entry.name);
  if (!fd && fd.error().code == Errc::conflict && parts_.overwrite) {
    if (Status cleared = parts_.writer.clear_the_way(at, entry.name); !cleared)
      return refuse(cleared.error());
    made = make();
    if (!made) return refuse(fail_errno("creating the directory", errno).error());
    fd = open_beneath(at, entry.name);
  }
  if (!fd) return refuse(fd.error());
  return adopt_directory(parent, entry, std::move(*fd), made);
}

DirectoryRef RestorePlanner::adopt_directory(const DirectoryRef& parent, const Entry& entry, UniqueFd fd,
                                             bool made) {
  auto directory = std::make_shared<TargetDirectory>(&parts_.handles);
  directory->parent = parent;
  directory->name = entry.name;
  directory->entry = entry;
  directory->fresh = made;
  const Examined found = parts_.metadata.examine_directory(fd.get(), entry);
  directory->inherits_group = found.stat.st_gid != ::getegid() || (found.stat.st_mode & S_ISGID) != 0;
  const DirectoryFinish full = entry.implied ? DirectoryFinish::owner_mode : DirectoryFinish::all;
  if (made || found.agreement == Agreement::unfinished) {
    directory->finish = full;
    ++parts_.context.counters.directories;
    if (made && !parent->fresh) {
      // What a default ACL above gave it must not be handed down to what is made in it.
      (void)::fremovexattr(fd.get(), "system.posix_acl_default");
      (void)::fremovexattr(fd.get(), "system.posix_acl_access");
    }
  } else if (found.agreement == Agreement::agrees) {
    directory->finish = entry.implied ? DirectoryFinish::nothing : DirectoryFinish::times;
    ++parts_.context.counters.already_there;
  } else if (parts_.overwrite) {
    directory->finish = full;
    ++parts_.context.counters.directories;
  } else if (!entry.implied) {
    parts_.context.differing(path_of(*directory), found.why);
  }
  if (parts_.context.wants_paths() && directory->finish != DirectoryFinish::nothing) {
    parts_.context.restored(path_of(*directory));
  }
  ++parent->pending;
  parts_.handles.adopt(*directory, std::move(fd));
  return directory;
}

void RestorePlanner::add_file(const DirectoryRef& parent, const Entry& entry) {
  if (Status name = check_target_name(entry.name); !name) return report(*parent, entry.name, name.error());
  auto* task = new FileTask;  // deletes itself through FileWriter when all its pieces are done
  task->directory = parent;
  task->entry = entry;
  ++parent->pending;
  if (entry.hard_link) task->link_group = HardLinks::group_of(entry);
  if (entry.type == EntryType::file) {
    ++parts_.context.counters.files_planned;
    parts_.context.counters.bytes_planned += entry.size;
  }
  plan_file(task);
}

void RestorePlanner::plan_file(FileTask* task) {
  if (task->link_group) {
    const HardLinks::Answer answer = parts_.links.enter(*task);
    if (answer.turn == HardLinks::Turn::wait) return;
    if (answer.turn == HardLinks::Turn::link) return parts_.writer.link(task, answer.source, lease_);
    task->heads_group = true;
  }
  // A directory that this run made holds nothing that could be in the way.
  if (!task->directory->fresh && settle_existing(task)) return;
  plan_content(task);
}

// Whether that was all: the file is there as it should be, or must be left alone.
bool RestorePlanner::settle_existing(FileTask* task) {
  const Result<DirectoryHandles::Handle> handle = parts_.handles.open(*task->directory);
  if (!handle) {
    parts_.writer.fail_task(*task, handle.error());
    parts_.writer.release(task, lease_);
    return true;
  }
  const int directory = (*handle)->get();
  const Examined found = parts_.metadata.examine(directory, task->entry.name, task->entry);
  switch (found.agreement) {
    case Agreement::absent:
      return false;
    case Agreement::agrees:
      parts_.writer.already_there(task, found.stat, lease_);
      return true;
    case Agreement::unfinished: {
      const Status cleared = parts_.writer.clear_the_way(directory, task->entry.name);
      if (cleared) return false;
      parts_.writer.fail_task(*task, cleared.error());
      parts_.writer.release(task, lease_);
      return true;
    }
    case Agreement::differs:
      break;
  }
  task->replace = parts_.overwrite;
  if (task->replace) return false;
  parts_.writer.fail_task(*task, Error(Errc::conflict, found.why));
  parts_.writer.release(task, lease_);
  return true;
}

void RestorePlanner::plan_content(FileTask* task) {
  const ContentKind kind = task->entry.content_kind;
  if (task->entry.type == EntryType::file &&
      (kind == ContentKind::chunk || kind == ContentKind::chunk_list)) {
    return plan_pieces(task);
  }
  batch_->add_plain(task);
  hand_over_when_full();
}

void RestorePlanner::plan_pieces(FileTask* task) {
  ContentCursor content(parts_.objects, task->entry);
  if (task->entry.content_kind == ContentKind::chunk_list) ++batch_->large_files;
  while (!parts_.context.stopped()) {
    const Result<std::optional<ContentPiece>> piece = content.next();
    if (!piece) {
      if (!concerns_object(piece.error())) parts_.context.stop(piece.error());
      parts_.writer.fail_task(*task, piece.error());
      break;
    }
    if (!*piece) break;
    if ((*piece)->chunk) {
      batch_->add_piece(task, *(*piece)->chunk, (*piece)->offset,
                        static_cast<std::uint32_t>((*piece)->length));
      hand_over_when_full();
    } else {
      task->has_holes = true;
    }
  }
  parts_.writer.release(task, lease_);
}

void RestorePlanner::hand_over_when_full() {
  const std::size_t growth = std::size_t{1} << std::min<std::size_t>(batches_, 8);
  const bool full = batch_->bytes() >= std::min(kBatchBytes, kFirstBatchBytes * growth) ||
                    batch_->weight() >= std::min(kBatchWeight, kFirstBatchWeight * growth) ||
                    batch_->large_files >= kBatchLargeFiles;
  if (full) hand_over();
}

void RestorePlanner::hand_over() {
  if (batch_->empty()) return;
  if (!levels_.empty()) parts_.context.set_current(path_of(*levels_.back().directory));
  parts_.queue.push(std::exchange(batch_, std::make_unique<RestoreBatch>()));
  ++batches_;
}

void RestorePlanner::finish() {
  parts_.context.counters.planned_all = true;
  lease_ = {};
  for (;;) {
    hand_over();
    parts_.queue.wait_idle();
    const std::vector<FileTask*> retries = parts_.writer.take_retries();
    if (retries.empty() && batch_->empty()) return;
    for (FileTask* task : retries)
      plan_file(task);
  }
}

}  // namespace rb
