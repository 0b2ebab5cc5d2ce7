#include "backup/directory_task.h"

#include <cerrno>

#include <dirent.h>
#include <fcntl.h>

#include "backup/directory_entries.h"
#include "backup/mount_mark.h"
#include "base/limits.h"
#include "format/repository_format.h"

namespace rb {

namespace {

constexpr std::string_view kCacheTagName = "CACHEDIR.TAG";
// Subdirectories whose trees are asked about together where the cache as a whole is not held by the store.
constexpr std::size_t kAskAhead = 1024;

bool contains(const NameList& names, std::string_view wanted) {
  std::size_t low = 0, high = names.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (names.name(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < names.size() && names.name(low) == wanted;
}

}  // namespace

DirectoryTask::DirectoryTask(WalkContext& context, Origin origin, std::shared_ptr<DirectoryTask> parent,
                             std::size_t place)
    : context_(context),
      origin_(std::move(origin)),
      parent_(std::move(parent)),
      has_parent_(parent_ != nullptr),
      place_(place) {}

std::optional<ObjectId> DirectoryTask::head_tree() const {
  if (!origin_.head || origin_.head->content_kind != ContentKind::tree) return std::nullopt;
  return origin_.head->content;
}

std::unique_ptr<CachedDirectory> DirectoryTask::take_cached() {
  if (cached_) return std::move(cached_);
  return context_.cache.old() ? context_.cache.old()->find(origin_.path) : nullptr;
}

void DirectoryTask::start(const std::shared_ptr<DirectoryTask>& task, Worker& worker) {
  if (auto result = task->open()) return complete(task, std::move(*result), worker);
  if (task->children_.empty()) {
    ChildResult result = task->finish(worker);
    return complete(task, std::move(result), worker);
  }
  task->context_.pool.push(task);
}

// --- Phase one: open, list, start the subdirectories.

std::optional<ChildResult> DirectoryTask::open() {
  if (context_.monitor.stopped()) return ChildResult{};
  context_.monitor.entering(origin_.path);
  clock_before_ = coarse_clock();
  auto opened = open_directory();
  if (!opened) {
    const int why = opened.error().sys_errno;
    ChildResult result;
    result.kind = why == ENOENT ? ChildResult::Kind::vanished : ChildResult::Kind::not_a_directory;
    if (why == ENOENT || why == ENOTDIR || why == ELOOP) return result;
    return unreadable(opened.error());
  }
  directory_ = std::move(*opened);
  auto stat = directory_->stat_self();
  if (!stat) return unreadable(stat.error());
  stat_ = *stat;
  if (origin_.depth >= kMaxDirectoryDepth - 1)
    return unreadable(Error(Errc::unsupported, "nested too deeply"));
  if (auto skip = skip_by_identity()) return skip;
  auto names = directory_->list();
  if (!names) return unreadable(names.error());
  names_ = std::move(*names);
  if (auto skip = skip_by_content()) return skip;

  auto held = find_out_held();
  if (!held) {
    context_.monitor.stop_with(held.error());
    return ChildResult{};
  }
  held_ = *held;
  list_children();
  return std::nullopt;
}

Result<OpenDirectory> DirectoryTask::open_directory() const {
  if (!parent_) return OpenDirectory::open(AT_FDCWD, origin_.path.c_str());
  return OpenDirectory::open(parent_->directory_->fd(), origin_.name.c_str());
}

// Directories that are left out for where they are.
std::optional<ChildResult> DirectoryTask::skip_by_identity() {
  if (context_.own_cache == DirectoryIdentity{stat_.device, stat_.inode}) {
    context_.monitor.notice_once(origin_.path + ": skipped, it is this program's own cache");
    return skipped();
  }
  const bool other_file_system = has_parent_ && stat_.device != origin_.parent_device;
  if ((other_file_system || (has_parent_ && stat_.mount_root)) && is_pseudo_file_system(directory_->fd())) {
    context_.monitor.notice_once(origin_.path + ": skipped, it is a pseudo file system");
    return skipped();
  }
  if (origin_.head && was_mount_point(*origin_.head) && !stat_.mount_root && !context_.options.force) {
    context_.monitor.warning(origin_.path,
                             "is no longer a mount point; its earlier copy is kept (--force gives it up)");
    return ChildResult::keep(KeptReason::unmounted);
  }
  if (context_.options.one_file_system && stat_.device != context_.root_device) return skipped();
  return std::nullopt;
}

// Directories that are left out for what they hold.
std::optional<ChildResult> DirectoryTask::skip_by_content() {
  if (contains(names_, kRepositoryMarkerName) && is_repository(directory_->fd())) {
    context_.monitor.notice_once(origin_.path + ": skipped, it is a repository");
    return skipped();
  }
  if (context_.options.exclude_caches && has_parent_ && contains(names_, kCacheTagName) &&
      is_tagged_cache(directory_->fd())) {
    ChildResult result;
    result.kind = ChildResult::Kind::excluded;
    return result;
  }
  return std::nullopt;
}

// A directory that is there, but is not looked into: an entry without times, so that what goes on in it does
// not change the tree. An earlier copy stays unless the run deletes.
ChildResult DirectoryTask::skipped() const {
  if (head_tree() && !context_.options.remove_absent) return ChildResult::keep(KeptReason::excluded);
  Entry entry = context_.metadata.read_implied(origin_.name, stat_);
  if (entry == origin_.head) return ChildResult::unchanged();
  context_.monitor.outcome(origin_.path, "", PathOutcome::skipped, 0);
  ChildResult result;
  result.clean = true;
  result.kind = ChildResult::Kind::made;
  result.made = std::make_unique<ChildResult::Made>(ChildResult::Made{std::move(entry), Signature{}});
  return result;
}

// Nothing beneath a directory that can't be listed is given up. One that the copy does not know yet gets an
// entry, so that a reader sees that there is something.
ChildResult DirectoryTask::unreadable(const Error& error) {
  context_.monitor.failure(origin_.path, error.message);
  context_.monitor.outcome(origin_.path, "", PathOutcome::failed, 0);
  if (origin_.head && origin_.head->implied) return ChildResult::unchanged();
  ChildResult result = ChildResult::keep(KeptReason::unreadable);
  if (origin_.head || !parent_) return result;
  const auto stat = parent_->directory_->stat(origin_.name.c_str());
  if (!stat) return result;
  result.kind = ChildResult::Kind::made;
  result.made = std::make_unique<ChildResult::Made>(
      ChildResult::Made{context_.metadata.read_implied(origin_.name, *stat), Signature{}});
  return result;
}

void DirectoryTask::list_children() {
  if (!context_.options.recursive) return;
  for (std::uint32_t i = 0; i < names_.size(); ++i) {
    std::uint8_t type = names_.d_type(i);
    if (type == DT_UNKNOWN) {
      const auto stat = directory_->stat(names_.c_str(i));
      if (stat && stat->type == EntryType::directory) type = DT_DIR;
    }
    if (type != DT_DIR) continue;
    Child child;
    child.index = i;
    if (!context_.options.excludes.empty() &&
        context_.options.excludes.matches(join_name(origin_.path, names_.name(i)), names_.name(i), true)) {
      child.decided = true;
      child.result.kind = ChildResult::Kind::excluded;
    }
    children_.push_back(std::move(child));
  }
}

// "Have" for a tree vouches for all beneath it, so the question is only asked where nothing above answers it.
Result<bool> DirectoryTask::find_out_held() {
  cached_ = take_cached();
  if (context_.trust_nothing) return false;
  const std::optional<ObjectId> tree = cached_ ? cached_->tree() : std::nullopt;
  if (!tree) return false;
  if (tree == head_tree()) return true;
  if (origin_.parent_held && origin_.cached && origin_.cached->content == *tree) return true;
  if (origin_.held) return *origin_.held;
  RB_TRY(const std::vector<bool> held, context_.uploader.held(std::span(&*tree, 1)));
  return held[0];
}

bool DirectoryTask::start_next(Worker& worker) {
  std::shared_ptr<DirectoryTask> child;
  bool more;
  {
    std::lock_guard lock(start_mutex_);
    if (all_started_) return false;
    auto next = next_child();
    if (!next) context_.monitor.stop_with(next.error());
    if (next) child = std::move(*next);
    more = child && !no_more_children();
    if (!more) {
      all_started_ = true;
      knowledge_.reset();
    }
  }
  const std::shared_ptr<DirectoryTask> self = shared_from_this();
  if (child) start(child, worker);
  // The one that stood for the starting: if every child is done already, it is for us to go on.
  if (!more && pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    ChildResult result = finish(worker);
    complete(self, std::move(result), worker);
  }
  return more;
}

bool DirectoryTask::no_more_children() {
  while (next_ < children_.size() && children_[next_].decided)
    ++next_;
  return next_ == children_.size() || context_.monitor.stopped();
}

Result<std::shared_ptr<DirectoryTask>> DirectoryTask::next_child() {
  if (no_more_children()) return nullptr;
  const std::size_t place = next_++;
  RB_TRY(Origin origin, origin_of(children_[place]));
  if (!held_ && !context_.trust_nothing && context_.cache.old()) {
    RB_TRY(origin.held, ask_ahead(place));
  }
  pending_.fetch_add(1, std::memory_order_relaxed);
  return std::make_shared<DirectoryTask>(context_, std::move(origin), shared_from_this(), place);
}

Result<DirectoryTask::Origin> DirectoryTask::origin_of(const Child& child) {
  if (!knowledge_)
    knowledge_ = std::make_unique<DirectoryKnowledge>(take_cached(), head_tree(), context_.copy);
  Origin origin;
  origin.name = names_.name(child.index);
  origin.path = join_name(origin_.path, origin.name);
  origin.parent_held = held_;
  origin.parent_device = stat_.device;
  origin.depth = origin_.depth + 1;
  RB_TRY(const DirectoryKnowledge::Known known, knowledge_->move_to(origin.name));
  const bool has_row = known.row && known.row->type == EntryType::directory;
  if (has_row) origin.signature = known.row->signature;
  if (known.in_head) {
    RB_TRY(const Entry* const head, knowledge_->head_entry());
    origin.head = *head;
  }
  if (has_row) {
    RB_TRY(const Entry* const cached, knowledge_->row_entry());
    origin.cached = *cached;
  }
  return origin;
}

// Whether the store holds the cached tree of this child; asks for many at once.
Result<std::optional<bool>> DirectoryTask::ask_ahead(std::size_t place) {
  if (place >= asked_from_ + asked_held_.size()) {
    const std::size_t end = std::min(children_.size(), place + kAskAhead);
    std::vector<ObjectId> trees;
    std::vector<bool> has_tree;
    for (std::size_t i = place; i < end; ++i) {
      const auto cached =
          context_.cache.old()->find(join_name(origin_.path, names_.name(children_[i].index)));
      has_tree.push_back(cached && cached->tree());
      if (has_tree.back()) trees.push_back(*cached->tree());
    }
    RB_TRY(const std::vector<bool> held, context_.uploader.held(trees));
    asked_from_ = place;
    asked_held_.clear();
    std::size_t at = 0;
    for (const bool has : has_tree)
      asked_held_.push_back(has && held[at++]);
  }
  return asked_held_[place - asked_from_];
}

// --- Phase two: decide the entries.

void DirectoryTask::complete(std::shared_ptr<DirectoryTask> task, ChildResult result, Worker& worker) {
  for (;;) {
    const std::shared_ptr<DirectoryTask> parent = std::move(task->parent_);
    if (!parent) return task->root_done_(std::move(result));
    parent->children_[task->place_].result = std::move(result);
    task = parent;
    if (parent->pending_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    result = parent->finish(worker);
  }
}

ChildResult DirectoryTask::finish(Worker& worker) {
  if (context_.monitor.stopped()) return {};
  DirectoryEntries entries(*this, worker);
  const auto finished = entries.decide();
  if (!finished) {
    context_.monitor.stop_with(finished.error());
    return {};
  }
  return own_result(worker, finished->tree, finished->clean);
}

ChildResult DirectoryTask::own_result(Worker& worker, const ObjectId& tree, bool clean) {
  const bool row_stands = origin_.cached && !origin_.cached->implied && !context_.trust_nothing &&
                          looks_unchanged(origin_.signature, stat_);
  Entry entry;
  if (row_stands) {
    entry = *origin_.cached;
  } else {
    auto read = worker.entries.read_directory(*directory_, origin_.name, stat_);
    if (context_.monitor.stopped()) return {};
    if (!read) return unreadable(read.error());
    entry = std::move(*read);
  }
  entry.kept.reset();
  entry.content_kind = ContentKind::tree;
  entry.content = tree;
  set_mount_point(entry, stat_.mount_root && origin_.path != "/");

  if (clean && row_stands && entry == origin_.head) return ChildResult::unchanged();
  PathOutcome outcome = PathOutcome::created;
  if (origin_.head) {
    Entry before = *origin_.head;
    before.content_kind = entry.content_kind;
    before.content = entry.content;
    outcome = before == entry ? PathOutcome::unchanged : PathOutcome::changed;
  }
  context_.monitor.outcome(origin_.path, "", outcome, 0);
  ChildResult result;
  result.clean = clean;
  result.kind = ChildResult::Kind::made;
  result.made = std::make_unique<ChildResult::Made>(
      ChildResult::Made{std::move(entry), signature_of(stat_, is_settled(stat_, clock_before_))});
  return result;
}

}  // namespace rb
