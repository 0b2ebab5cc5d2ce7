#include "backup/directory_entries.h"

#include <dirent.h>

#include "backup/mount_mark.h"
#include "scan/file_system_clock.h"

namespace rb {

namespace {

// Entries of one directory that may wait for those before them: enough that all cores have work while one
// reads a huge file, and some ten megabytes at most.
constexpr std::size_t kMaxUnderWay = 16384;
constexpr std::size_t kMaxBatches = 256;

// The first files of a directory that are to be read, while they are small, are read as they come: mostly
// there are no more, and what follows them need not stand in line.
constexpr std::size_t kReadAtOnce = 16;
constexpr std::uint64_t kReadAtOnceBytes = 64 << 10;

bool has_refs(const Entry& entry) {
  std::vector<ObjectId> refs;
  append_refs(entry, refs);
  return !refs.empty();
}

}  // namespace

DirectoryEntries::DirectoryEntries(DirectoryTask& task, Worker& worker)
    : task_(task),
      worker_(worker),
      context_(task.context()),
      path_(task.origin().path),
      cached_(task.take_cached()),
      output_(context_, path_, cached_.get(), task.held(),
              !context_.trust_nothing && cached_ && cached_->tree() && cached_->tree() == task.head_tree()),
      knowledge_(std::move(cached_), task.head_tree(), context_.copy),
      looks_(context_.pool, task.shared_directory(), task.shared_names()),
      open_(std::make_shared<ReadBatch>(context_, task.shared_directory())) {}

Result<DirectoryOutput::Finished> DirectoryEntries::decide() {
  const NameList& names = task_.names();
  std::size_t index = 0;
  for (;;) {
    if (context_.monitor.stopped()) return std::unexpected(context_.monitor.status().error());
    RB_TRY(const auto head, knowledge_.head_name());
    if (index == names.size() && !head) break;
    if (index < names.size() && (!head || names.name(index) <= *head)) {
      RB_TRY(decide_present(index++));
    } else {
      RB_TRY(const Known known, knowledge_.move_to(*head));
      guard_.had();
      RB_TRY(decide_absent(known));
      RB_TRY(knowledge_.pass_head());
    }
  }
  RB_TRY(take_all());
  context_.monitor.add(tally_);
  if (context_.options.remove_absent && !context_.options.force) {
    RB_TRY(guard_.check(path_, task_.is_root(), names.size() == 0));
  }
  return output_.finish();
}

Status DirectoryEntries::decide_present(std::size_t index) {
  const std::string_view name = task_.names().name(index);
  RB_TRY(const Known known, knowledge_.move_to(name));
  if (known.in_head) guard_.had();
  auto& children = task_.children();
  if (next_child_ < children.size() && children[next_child_].index == index) {
    RB_TRY(decide_child(index, known, children[next_child_++].result));
  } else {
    RB_TRY(decide_file(index, known));
  }
  return known.in_head ? knowledge_.pass_head() : Status();
}

Status DirectoryEntries::decide_child(std::size_t index, const Known& known, ChildResult& child) {
  const std::string_view name = task_.names().name(index);
  switch (child.kind) {
    case ChildResult::Kind::not_walked:
      return fail(Errc::cancelled, "interrupted");
    case ChildResult::Kind::unchanged:
      ++tally_.unchanged;
      return keep_as_it_is(known);
    case ChildResult::Kind::made:
      if (child.clean) context_.cache.carry_over(join_name(path_, name));
      return put_settled(std::move(child.made->entry), child.made->signature);
    case ChildResult::Kind::keep: {
      RB_TRY(auto head, head_of(known));
      return head ? keep(std::move(*head), child.reason) : Status();
    }
    case ChildResult::Kind::excluded:
      return excluded(known);
    case ChildResult::Kind::vanished:
      return known.in_head ? decide_absent(known) : Status();
    case ChildResult::Kind::not_a_directory:
      return decide_file(index, known);
  }
  return {};
}

Status DirectoryEntries::decide_file(std::size_t index, const Known& known) {
  const char* const name = task_.names().c_str(index);
  if (is_unseen(index, known)) return decide_unseen(name, known);
  const auto stat = looks_.look(index, worker_);
  if (!stat && stat.error().code == Errc::not_found) return known.in_head ? decide_absent(known) : Status();
  if (!stat) return unreadable(name, known, stat.error().message);
  if (stat->type == EntryType::directory) return decide_unwalked_directory(name, known);
  if (is_excluded(name)) return excluded(known);
  ++tally_.files;
  tally_.bytes += stat->type == EntryType::file ? stat->size : 0;
  if (looks_as_cached(known, *stat)) return decide_cached(name, known, *stat);

  BatchItem item;
  item.kind = kind_of_reading(*stat);
  item.name = name;
  item.stat = *stat;
  RB_TRY(item.head, head_of(known));
  return put(std::move(item));
}

// Whether a look at the file would tell nothing that its reading does not.
bool DirectoryEntries::is_unseen(std::size_t index, const Known& known) {
  if (known.row || task_.names().d_type(index) != DT_REG) return false;
  if (!own_clock_) own_clock_ = has_own_clock(task_.directory().fd());
  return *own_clock_;
}

Status DirectoryEntries::decide_unseen(const char* name, const Known& known) {
  if (is_excluded(name)) return excluded(known);
  BatchItem item;
  item.kind = BatchItem::Kind::unseen;
  item.counted = false;
  item.name = name;
  RB_TRY(item.head, head_of(known));
  return put(std::move(item));
}

// Without -r subdirectories are left alone. With it, this one came after the list was made: the next run sees
// it.
Status DirectoryEntries::decide_unwalked_directory(const char* name, const Known& known) {
  RB_TRY(auto head, head_of(known));
  if (head && head->type == EntryType::directory) {
    guard_.discount();
    return keep_as_it_is(known);
  }
  if (context_.options.recursive)
    return unreadable(name, known, "became a directory while the tree was walked");
  if (!head) return {};
  // A change of type replaces.
  const auto stat = task_.directory().stat(name);
  if (!stat || stat->type != EntryType::directory)
    return unreadable(name, known, "changed while it was looked at");
  context_.monitor.outcome(path_, name, PathOutcome::changed, 0);
  return put_settled(context_.metadata.read_implied(name, *stat), {});
}

bool DirectoryEntries::looks_as_cached(const Known& known, const FileStat& stat) const {
  return known.row && !context_.trust_nothing && known.row->type == stat.type &&
         looks_unchanged(known.row->signature, stat);
}

// The cache knows what this file is. Whether the store holds that is another question, unless the copy has
// the very tree, or the store vouched for it.
Status DirectoryEntries::decide_cached(const char* name, const Known& known, const FileStat& stat) {
  const bool recheck = stat.type == EntryType::file && context_.recheck.active() &&
                       context_.recheck.take(join_name(path_, name), stat.size);
  // What the cache says is what the copy has: there is nothing to compare, and nothing to ask.
  if (output_.edits() && !recheck) {
    count_unchanged(name, stat);
    return {};
  }
  const Signature signature = known.row->signature;
  BatchItem item;
  item.rechecked = recheck;
  item.name = name;
  item.stat = stat;
  RB_TRY(item.head, head_of(known));
  RB_TRY(const Entry* const cached, knowledge_.row_entry());
  item.result.status = ReadResult::Status::done;
  item.result.entry = *cached;
  item.result.signature = signature;
  const bool held = task_.held() || item.head == *cached || !has_refs(*cached);
  item.kind = recheck ? kind_of_reading(stat) : held ? BatchItem::Kind::cached : BatchItem::Kind::reuse;
  if (item.kind == BatchItem::Kind::cached && nothing_waits()) return take(item);
  return put(std::move(item));
}

void DirectoryEntries::count_unchanged(const char* name, const FileStat& stat) {
  if (context_.monitor.wants_unchanged()) {
    context_.monitor.outcome(path_, name, PathOutcome::unchanged, stat.size);
  } else {
    ++tally_.unchanged;
  }
}

Status DirectoryEntries::decide_absent(const Known& known) {
  RB_TRY(auto head, head_of(known));
  return absent(std::move(*head));
}

Status DirectoryEntries::absent(Entry head) {
  const bool removable = context_.options.recursive || head.type != EntryType::directory;
  if (head.kept || !removable) guard_.discount();
  if (!removable) {
    if (output_.edits()) return {};
    context_.cache.carry_over(join_name(path_, head.name));
    return put_settled(std::move(head), {});
  }
  if (was_mount_point(head) && !context_.options.force) {
    context_.monitor.warning(join_name(path_, head.name),
                             "was a mount point and is gone; its earlier copy is kept (--force gives it up)");
    return keep(std::move(head), KeptReason::unmounted);
  }
  if (!context_.options.remove_absent) return keep(std::move(head), KeptReason::absent);
  if (!head.kept) guard_.loses();
  context_.monitor.outcome(path_, head.name, PathOutcome::removed, head.size);
  return put_removed(std::move(head.name));
}

Status DirectoryEntries::excluded(const Known& known) {
  RB_TRY(auto head, head_of(known));
  if (!head) return {};
  if (!context_.options.remove_absent) return keep(std::move(*head), KeptReason::excluded);
  if (head->kept) guard_.discount();
  context_.monitor.outcome(path_, head->name, PathOutcome::removed, head->size);
  return put_removed(std::move(head->name));
}

// A mark is set once and copied, so that a second run changes no page.
Status DirectoryEntries::keep(Entry head, KeptReason reason) {
  if (head.kept && output_.edits()) return {};
  if (!head.kept) {
    context_.monitor.outcome(path_, head.name, PathOutcome::kept, head.size);
    head.kept = Kept{.reason = reason, .since = context_.now};
  }
  if (head.type == EntryType::directory) context_.cache.carry_over(join_name(path_, head.name));
  return put_settled(std::move(head), {});
}

// Requires: the copy has it.
Status DirectoryEntries::keep_as_it_is(const Known& known) {
  if (output_.edits()) return {};
  const Signature signature = known.row ? known.row->signature : Signature{};
  RB_TRY(auto head, head_of(known));
  if (head->type == EntryType::directory) context_.cache.carry_over(join_name(path_, head->name));
  return put_settled(std::move(*head), signature);
}

Status DirectoryEntries::unreadable(const char* name, const Known& known, const std::string& why) {
  context_.monitor.failure(join_name(path_, name), why);
  context_.monitor.outcome(path_, name, PathOutcome::failed, 0);
  RB_TRY(auto head, head_of(known));
  return head ? keep(std::move(*head), KeptReason::unreadable) : Status();
}

bool DirectoryEntries::is_excluded(std::string_view name) const {
  const Excludes& excludes = context_.options.excludes;
  return !excludes.empty() && excludes.matches(join_name(path_, name), name, false);
}

Result<std::optional<Entry>> DirectoryEntries::head_of(const Known& known) {
  if (!known.in_head) return std::nullopt;
  RB_TRY(const Entry* const head, knowledge_.head_entry());
  return *head;
}

// --- The line in which entries wait for those before them.

Status DirectoryEntries::put_settled(Entry entry, const Signature& signature) {
  if (taking_ || nothing_waits()) return store(std::move(entry), signature);
  BatchItem item;
  item.kind = BatchItem::Kind::settled;
  item.result.status = ReadResult::Status::done;
  item.result.entry = std::move(entry);
  item.result.signature = signature;
  return put(std::move(item));
}

// What was never added needs no removal.
Status DirectoryEntries::put_removed(std::string name) {
  if (!output_.edits()) return {};
  if (taking_ || nothing_waits()) return output_.remove(name);
  BatchItem item;
  item.kind = BatchItem::Kind::removed;
  item.result.entry.name = std::move(name);
  return put(std::move(item));
}

bool DirectoryEntries::is_read_at_once(const BatchItem& item) const {
  const bool reads = item.kind == BatchItem::Kind::unseen ||
                     (item.kind == BatchItem::Kind::read && item.stat.size <= kReadAtOnceBytes);
  return reads && nothing_waits() && reads_at_once_ < kReadAtOnce;
}

Status DirectoryEntries::put(BatchItem item) {
  if (is_read_at_once(item)) {
    ++reads_at_once_;
    ReadBatch::read(context_, task_.directory(), item, worker_);
    return take(item);
  }
  open_->add(std::move(item));
  ++under_way_;
  return open_->full() ? submit_batch() : Status();
}

Status DirectoryEntries::submit_batch() {
  batches_.push_back(open_);
  context_.pool.submit(open_);
  open_ = std::make_shared<ReadBatch>(context_, task_.shared_directory());
  while (under_way_ >= kMaxUnderWay || batches_.size() >= kMaxBatches)
    RB_TRY(take_first_batch());
  return {};
}

Status DirectoryEntries::take_first_batch() {
  const std::shared_ptr<ReadBatch> batch = std::move(batches_.front());
  batches_.pop_front();
  context_.pool.wait_for(*batch, worker_);
  under_way_ -= batch->size();
  return take_items(*batch);
}

Status DirectoryEntries::take_all() {
  // The last batch is small: done here, unless it is one of many.
  if (open_->needs_work()) open_->run(worker_);
  while (!batches_.empty())
    RB_TRY(take_first_batch());
  return take_items(*open_);
}

Status DirectoryEntries::take_items(ReadBatch& batch) {
  taking_ = true;
  for (BatchItem& item : batch.items())
    RB_TRY(take(item));
  taking_ = false;
  return {};
}

Status DirectoryEntries::take(BatchItem& item) {
  switch (item.kind) {
    case BatchItem::Kind::settled:
      return store(std::move(item.result.entry), item.result.signature);
    case BatchItem::Kind::removed:
      return output_.remove(item.result.entry.name);
    case BatchItem::Kind::cached:
    case BatchItem::Kind::reuse:
      break;
    case BatchItem::Kind::unseen:
    case BatchItem::Kind::read:
      return take_read(item);
    case BatchItem::Kind::read_shared:
      read_shared(item);
      return take_read(item);
  }
  Entry& entry = item.result.entry;
  const PathOutcome outcome = !item.head            ? PathOutcome::created
                              : *item.head == entry ? PathOutcome::unchanged
                                                    : PathOutcome::changed;
  context_.monitor.outcome(path_, entry.name, outcome, entry.size);
  return store(std::move(entry), item.result.signature);
}

void DirectoryEntries::read_shared(BatchItem& item) {
  FileReader::Help help = ReadBatch::help_with(context_, item);
  help.pool = &context_.pool;
  help.worker = &worker_;
  item.result = worker_.entries.read(task_.directory(), item.name, item.stat, help);
}

Status DirectoryEntries::take_read(BatchItem& item) {
  ReadResult& result = item.result;
  if (!item.counted && result.status != ReadResult::Status::vanished) {
    ++tally_.files;
    tally_.bytes += result.entry.size;
  }
  switch (result.status) {
    case ReadResult::Status::stopped:
      RB_TRY(context_.monitor.status());
      return fail(Errc::cancelled, "interrupted");
    case ReadResult::Status::vanished:
      return item.head ? absent(std::move(*item.head)) : Status();
    case ReadResult::Status::failed:
      context_.monitor.failure(join_name(path_, item.name), result.error.message);
      context_.monitor.outcome(path_, item.name, PathOutcome::failed, 0);
      return item.head ? keep(std::move(*item.head), KeptReason::unreadable) : Status();
    case ReadResult::Status::done:
      break;
  }
  Entry& entry = result.entry;
  if (result.moved) {
    context_.monitor.warning(join_name(path_, entry.name),
                             "changed while it was being read; stored as it was read");
  }
  if (item.rechecked && item.head && item.head->content != entry.content) {
    context_.monitor.warning(join_name(path_, entry.name),
                             "its content changed although its times did not; stored anew");
  }
  item.kind = BatchItem::Kind::cached;
  return take(item);
}

Status DirectoryEntries::store(Entry entry, const Signature& signature) {
  return output_.add(std::move(entry), signature);
}

}  // namespace rb
