#include "restore/file_writer.h"

#include <fcntl.h>
#include <fmt/format.h>

#include "base/hash.h"

namespace rb {

std::string FileWriter::replacement_name(const std::string& name) {
  return ".rbbackup-restore-" + to_hex(hash(as_bytes(name)).view().first(8));
}

Result<int> FileWriter::directory_fd(const DirectoryRef& directory, DirectoryLease& lease) {
  if (lease.directory != directory) {
    RB_TRY(DirectoryHandles::Handle handle, parts_.handles.open(*directory));
    lease = {directory, std::move(handle)};
  }
  return lease.handle->get();
}

Status FileWriter::create_at(int directory, const std::string& name, FileTask& task) {
  constexpr int kFlags = O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC;
  const int fd = ::openat(directory, name.c_str(), kFlags, kUnfinishedFileMode);
  if (fd < 0) return fail_errno("creating it", errno);
  task.fd.reset(fd);
  task.created = true;
  if (task.entry.attributes != 0) parts_.metadata.set_early_flags(fd, task.entry);
  return {};
}

Status FileWriter::create(FileTask& task, DirectoryLease& lease) {
  RB_TRY(const int directory, directory_fd(task.directory, lease));
  const std::string& name = task.entry.name;
  if (!task.replace) {
    const Status created = create_at(directory, name, task);
    if (created || created.error().sys_errno != EEXIST) return created;
    // It came to be since the planner looked, or the file system takes two names for one.
    const Examined found = parts_.metadata.examine(directory, name, task.entry);
    if (found.agreement != Agreement::unfinished && !parts_.overwrite) {
      return fail(Errc::conflict, found.agreement == Agreement::differs ? found.why : "exists already");
    }
    if (found.agreement == Agreement::unfinished) {
      RB_TRY(clear_the_way(directory, name));
      return create_at(directory, name, task);
    }
    task.replace = true;
  }
  const std::string temporary = replacement_name(name);
  RB_TRY(remove_leftover(directory, temporary));
  return create_at(directory, temporary, task);
}

void FileWriter::write(FileTask& task, std::uint64_t offset, ByteView data, DirectoryLease& lease) {
  int fd = -1;
  {
    const std::lock_guard lock(task.mutex);
    if (task.error) return;
    if (!task.created) {
      if (Status created = create(task, lease); !created) {
        task.error = created.error();
        return;
      }
    }
    fd = task.fd.get();
  }
  while (!data.empty()) {
    const ssize_t n = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail_task(task, fail_errno("writing it", n == 0 ? EIO : errno).error());
    data = data.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
    parts_.context.counters.bytes += static_cast<std::uint64_t>(n);
  }
}

void FileWriter::fail_task(FileTask& task, Error error) {
  const std::lock_guard lock(task.mutex);
  if (!task.error) task.error = std::move(error);
}

void FileWriter::release(FileTask* task, DirectoryLease& lease) {
  if (task->pending.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  settle(task, task->error ? std::unexpected(*task->error) : complete(*task, lease), lease);
}

Status FileWriter::complete(FileTask& task, DirectoryLease& lease) {
  if (parts_.context.stopped()) return fail(Errc::cancelled, "stopped");
  if (!task.created) RB_TRY(create(task, lease));
  const int fd = task.fd.get();
  if (task.has_holes && ::ftruncate(fd, static_cast<off_t>(task.entry.size)) != 0) {
    return fail_errno("setting its size", errno);
  }
  const bool in_fresh = task.directory->fresh;
  const MetadataWriter::Fresh fresh{.created_by_us = true,
                                    .inherits_group = task.directory->inherits_group,
                                    .may_have_acl = !in_fresh,
                                    .leave_flags = task.replace || task.link_group.has_value()};
  const TargetPlace place{task.directory.get(), &task.entry.name};
  RB_TRY(parts_.metadata.apply(fd, task.entry, fresh, place));
  if (task.replace) {
    RB_TRY(const int directory, directory_fd(task.directory, lease));
    RB_TRY(move_into_place(directory, task.entry.name));
    if (!task.link_group) parts_.metadata.set_flags(fd, task.entry, place);
  }
  return {};
}

void FileWriter::remove_partial(FileTask& task, DirectoryLease& lease) {
  if (!task.created) return;
  task.fd.reset();
  const Result<int> directory = directory_fd(task.directory, lease);
  if (!directory) return;
  const std::string name = task.replace ? replacement_name(task.entry.name) : task.entry.name;
  (void)::unlinkat(*directory, name.c_str(), 0);
}

// Says what became of a task, hands on what waited for it, and lets go of it.
void FileWriter::settle(FileTask* task, Status outcome, DirectoryLease& lease) {
  RunContext& context = parts_.context;
  const bool regular = task->entry.type == EntryType::file;
  if (outcome) {
    ++(regular ? context.counters.files : context.counters.others);
    if (context.wants_paths()) context.restored(task->path());
    struct stat found {};
    if (task->heads_group) {
      const Result<int> directory = directory_fd(task->directory, lease);
      if (directory && ::fstatat(*directory, task->entry.name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) {
        offer_for_linking(*task, found, lease);
        return done(task);
      }
    }
  } else {
    remove_partial(*task, lease);
    const Error& error = outcome.error();
    if (context.stopped()) {
      // Nobody's fault: the run ends, and the next one does it.
    } else if (error.code == Errc::no_space) {
      context.stop(Error(Errc::no_space,
                         fmt::format("the target's disk is full: {}: {}", task->path(), error.message),
                         error.sys_errno));
    } else if (error.code == Errc::conflict) {
      context.differing(task->path(), error.message);
    } else {
      context.failed(task->path(), error.message);
    }
  }
  if (task->heads_group) {
    for (FileTask* waiting : parts_.links.give_up(*task->link_group))
      retry(waiting);
  }
  done(task);
}

void FileWriter::done(FileTask* task) {
  DirectoryRef directory = std::move(task->directory);
  delete task;
  release_directory(std::move(directory));
}

void FileWriter::retry(FileTask* task) {
  const std::lock_guard lock(mutex_);
  retries_.push_back(task);
}

std::vector<FileTask*> FileWriter::take_retries() {
  const std::lock_guard lock(mutex_);
  return std::exchange(retries_, {});
}

void FileWriter::release_directory(DirectoryRef directory) {
  while (directory && directory->pending.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    finish_directory(directory);
    parts_.handles.forget(*directory);
    DirectoryRef parent = directory->parent;
    directory = std::move(parent);
  }
}

void FileWriter::finish_directory(const DirectoryRef& directory) {
  // After an interruption it stays marked as unfinished, for the next run.
  if (parts_.context.stopped() || directory->finish == DirectoryFinish::nothing) return;
  const TargetPlace place{directory.get(), nullptr};
  const Result<DirectoryHandles::Handle> handle = parts_.handles.open(*directory);
  if (!handle) return parts_.context.failed(place.text(), handle.error().message);
  const int fd = (*handle)->get();
  if (directory->finish == DirectoryFinish::times)
    return parts_.metadata.set_times(fd, directory->entry, place);
  const MetadataWriter::Fresh fresh{.created_by_us = directory->fresh,
                                    .inherits_group = directory->inherits_group};
  const Status applied = parts_.metadata.apply(fd, directory->entry, fresh, place);
  if (!applied) parts_.context.failed(place.text(), applied.error().message);
}

Status FileWriter::clear_the_way(int directory, const std::string& name) const {
  if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  const int error = errno;
  if (error != EISDIR && error != EPERM) return fail_errno("removing what is there", error);
  if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0) return {};
  if (errno == ENOTEMPTY || errno == EEXIST)
    return fail(Errc::conflict, "a directory that is not empty stands in the way");
  return fail_errno("removing what is there", errno == ENOTDIR ? error : errno);
}

Status FileWriter::remove_leftover(int directory, const std::string& temporary) const {
  if (::unlinkat(directory, temporary.c_str(), 0) == 0 || errno == ENOENT) return {};
  return fail_errno(fmt::format("removing {}", temporary), errno);
}

Status FileWriter::move_into_place(int directory, const std::string& name) const {
  const std::string temporary = replacement_name(name);
  const auto move = [&] { return ::renameat(directory, temporary.c_str(), directory, name.c_str()) == 0; };
  if (move()) return {};
  if (errno != EISDIR) return fail_errno("replacing what is there", errno);
  RB_TRY(clear_the_way(directory, name));
  if (move()) return {};
  return fail_errno("replacing what is there", errno);
}

}  // namespace rb
