// The part of FileWriter that makes names without content: special files, symlinks, and further names of a
// file.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "restore/file_writer.h"

namespace rb {
namespace {

dev_t device_number(const Entry& entry) {
  return makedev(static_cast<unsigned>(entry.device >> 32), static_cast<unsigned>(entry.device & 0xffffffff));
}

mode_t node_type(EntryType type) {
  switch (type) {
    case EntryType::fifo:
      return S_IFIFO;
    case EntryType::socket:
      return S_IFSOCK;
    case EntryType::char_device:
      return S_IFCHR;
    default:
      return S_IFBLK;
  }
}

}  // namespace

Status FileWriter::create_special(int directory, const std::string& name, const Entry& entry) {
  if (entry.type == EntryType::symlink) {
    if (::symlinkat(entry.target.c_str(), directory, name.c_str()) == 0) return {};
    return fail_errno("creating the symbolic link", errno);
  }
  const bool device = entry.type == EntryType::char_device || entry.type == EntryType::block_device;
  const mode_t mode = node_type(entry.type) | kUnfinishedFileMode;
  if (::mknodat(directory, name.c_str(), mode, device ? device_number(entry) : 0) == 0) return {};
  if (device && errno == EPERM) return fail(Errc::denied, "only root may create a device", EPERM);
  return fail_errno("creating it", errno);
}

// Called when something stands at the task's name already: whether it may be replaced, or was left unfinished
// by us.
Status FileWriter::make_way_for_name(FileTask& task, int directory) const {
  const std::string& name = task.entry.name;
  const Examined found = parts_.metadata.examine(directory, name, task.entry);
  if (found.agreement == Agreement::unfinished) return clear_the_way(directory, name);
  if (!parts_.overwrite) {
    return fail(Errc::conflict, found.agreement == Agreement::differs ? found.why : "exists already");
  }
  task.replace = true;
  return remove_leftover(directory, replacement_name(name));
}

Status FileWriter::complete_special(FileTask& task, DirectoryLease& lease) {
  if (parts_.context.stopped()) return fail(Errc::cancelled, "stopped");
  RB_TRY(const int directory, directory_fd(task.directory, lease));
  const Entry& entry = task.entry;
  if (task.replace) RB_TRY(remove_leftover(directory, replacement_name(entry.name)));
  const auto create = [&] {
    return create_special(directory, task.replace ? replacement_name(entry.name) : entry.name, entry);
  };
  Status created = create();
  if (!created && created.error().sys_errno == EEXIST) {
    RB_TRY(make_way_for_name(task, directory));
    created = create();
  }
  if (!created) return created;
  task.created = true;
  const std::string& made = task.replace ? replacement_name(entry.name) : entry.name;
  RB_TRY(parts_.metadata.apply_at(directory, made, entry, {task.directory.get(), &entry.name}));
  return task.replace ? move_into_place(directory, entry.name) : Status{};
}

void FileWriter::make_special(FileTask* task, DirectoryLease& lease) {
  settle(task, complete_special(*task, lease), lease);
}

Result<bool> FileWriter::link_at(FileTask& task, const LinkSource& source, DirectoryLease& lease) {
  if (parts_.context.stopped()) return fail(Errc::cancelled, "stopped");
  RB_TRY(const DirectoryHandles::Handle from, parts_.handles.open(*source.directory));
  RB_TRY(const int to, directory_fd(task.directory, lease));
  const std::string& name = task.entry.name;
  const auto link_as = [&](const std::string& as) {
    return ::linkat(from->get(), source.name.c_str(), to, as.c_str(), 0) == 0 ? 0 : errno;
  };
  const auto is_source = [&](const struct stat& found) {
    return found.st_dev == source.device && found.st_ino == source.inode;
  };
  int error = link_as(name);
  if (error == EEXIST) {
    const Examined found = parts_.metadata.examine(to, name, task.entry);
    if (is_source(found.stat)) return false;
    if (found.agreement == Agreement::agrees && !parts_.overwrite) {
      return fail(Errc::conflict,
                  fmt::format("is not the same file as {}", path_of(*source.directory, source.name)));
    }
    RB_TRY(make_way_for_name(task, to));
    error = link_as(task.replace ? replacement_name(name) : name);
  }
  if (error != 0) return fail(Errc::unsupported, "can't be linked", error);
  if (task.replace) RB_TRY(move_into_place(to, name));
  struct stat made {};
  if (::fstatat(to, name.c_str(), &made, AT_SYMLINK_NOFOLLOW) == 0 && is_source(made)) return true;
  (void)::unlinkat(to, name.c_str(), 0);  // somebody swapped the source
  return fail(Errc::unsupported, "can't be linked");
}

void FileWriter::link(FileTask* task, const std::shared_ptr<const LinkSource>& source,
                      DirectoryLease& lease) {
  const Result<bool> outcome = link_at(*task, *source, lease);
  if (outcome && !*outcome) {
    ++parts_.context.counters.already_there;
    return done(task);
  }
  // Other file systems beneath the target, too many links, immutable files: it is written once more.
  const bool try_again = !outcome && !parts_.context.stopped() && outcome.error().code != Errc::conflict &&
                         outcome.error().code != Errc::no_space;
  if (!try_again) return settle(task, outcome ? Status{} : std::unexpected(outcome.error()), lease);
  task->replace = false;
  parts_.links.retire(*task->link_group, source);
  retry(task);
}

void FileWriter::offer_for_linking(FileTask& task, const struct stat& found, DirectoryLease& lease) {
  auto source = std::make_shared<LinkSource>();
  source->directory = task.directory;
  source->name = task.entry.name;
  source->device = found.st_dev;
  source->inode = found.st_ino;
  if (task.entry.attributes != 0 && task.entry.type == EntryType::file) {
    const std::lock_guard lock(mutex_);
    late_flags_.push_back({source, task.entry});
  }
  for (FileTask* waiting : parts_.links.complete(*task.link_group, source))
    link(waiting, source, lease);
}

void FileWriter::already_there(FileTask* task, const struct stat& found, DirectoryLease& lease) {
  ++parts_.context.counters.already_there;
  const TargetPlace place{task->directory.get(), &task->entry.name};
  if (const Result<int> directory = directory_fd(task->directory, lease); directory) {
    if (task->entry.type == EntryType::symlink) {
      (void)parts_.metadata.apply_at(*directory, task->entry.name, task->entry, place);
    } else if (task->entry.type == EntryType::file && task->entry.attributes != 0 && !task->link_group) {
      // Flags come last, so an interruption may have kept them from being set.
      const UniqueFd fd(
          ::openat(*directory, task->entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      if (fd) parts_.metadata.set_flags(fd.get(), task->entry, place);
    }
  }
  if (task->heads_group) offer_for_linking(*task, found, lease);
  done(task);
}

void FileWriter::set_late_flags() {
  for (const LateFlags& late : std::exchange(late_flags_, {})) {
    const Result<DirectoryHandles::Handle> directory = parts_.handles.open(*late.file->directory);
    if (!directory) continue;
    const UniqueFd fd(::openat((*directory)->get(), late.file->name.c_str(),
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (fd) parts_.metadata.set_flags(fd.get(), late.entry, {late.file->directory.get(), &late.file->name});
  }
}

}  // namespace rb
