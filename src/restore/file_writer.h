// Creates, fills and completes files, links and special files in the target, and finishes directories once
// everything beneath them is there. Thread-safe.
//
// A new file is made under its final name with a mode that marks it as unfinished
// (restore/metadata_writer.h), which it loses last of all: five system calls for a small file. Whatever is
// interrupted leaves something that the next run takes for unfinished and does again. A file that replaces
// another one is made under a name of its own and renamed.
#pragma once

#include <mutex>
#include <vector>

#include "restore/file_task.h"
#include "restore/hard_links.h"
#include "restore/metadata_writer.h"
#include "restore/run_context.h"
#include "restore/target_directory.h"

namespace rb {

// The handle a thread used last: neighbours are restored one after the other.
struct DirectoryLease {
  DirectoryRef directory;
  DirectoryHandles::Handle handle;
};

class FileWriter {
 public:
  struct Parts {
    RunContext& context;
    DirectoryHandles& handles;
    MetadataWriter& metadata;
    HardLinks& links;
    bool overwrite;
  };
  explicit FileWriter(Parts parts) : parts_(parts) {}

  // Writes a piece of a file, creating it first if need be. An error is kept with the task.
  void write(FileTask& task, std::uint64_t offset, ByteView data, DirectoryLease& lease);
  void fail_task(FileTask& task, Error error);
  // One piece less to wait for. After the last one the file is completed, or removed and reported, and the
  // task deleted.
  void release(FileTask* task, DirectoryLease& lease);
  // A symlink, FIFO, socket or device: made and completed, and the task released.
  void make_special(FileTask* task, DirectoryLease& lease);
  // Links the task's name to a complete file, and releases the task; where that can't be done, it is to be
  // retried.
  void link(FileTask* task, const std::shared_ptr<const LinkSource>& source, DirectoryLease& lease);
  // The task's file is there already as it should be. Deletes the task.
  void already_there(FileTask* task, const struct stat& found, DirectoryLease& lease);

  // One thing less that a directory waits for; finishes it, and then perhaps its parents, after the last one.
  void release_directory(DirectoryRef directory);

  // Removes what stands at the name if it may be: an empty directory, or anything else but a directory.
  Status clear_the_way(int directory, const std::string& name) const;
  // Under which a replacement is made: the same at each run, so that the next one finds what an interrupted
  // one left.
  static std::string replacement_name(const std::string& name);

  // Tasks that could not be linked, or whose group's first file failed: to be planned anew. Empties the list.
  std::vector<FileTask*> take_retries();
  // Sets flags that would have kept other names from being linked. At the very end.
  void set_late_flags();

 private:
  struct LateFlags {
    std::shared_ptr<const LinkSource> file;
    Entry entry;
  };
  Result<int> directory_fd(const DirectoryRef& directory, DirectoryLease& lease);
  Status create(FileTask& task, DirectoryLease& lease);
  Status create_at(int directory, const std::string& name, FileTask& task);
  Status complete(FileTask& task, DirectoryLease& lease);
  Status remove_leftover(int directory, const std::string& temporary) const;
  Status move_into_place(int directory, const std::string& name) const;
  Status create_special(int directory, const std::string& name, const Entry& entry);
  Status complete_special(FileTask& task, DirectoryLease& lease);
  // False: the name was linked to it before.
  Result<bool> link_at(FileTask& task, const LinkSource& source, DirectoryLease& lease);
  Status make_way_for_name(FileTask& task, int directory) const;
  void remove_partial(FileTask& task, DirectoryLease& lease);
  void settle(FileTask* task, Status outcome, DirectoryLease& lease);
  void offer_for_linking(FileTask& task, const struct stat& found, DirectoryLease& lease);
  void retry(FileTask* task);
  void done(FileTask* task);
  void finish_directory(const DirectoryRef& directory);

  Parts parts_;
  std::mutex mutex_;
  std::vector<FileTask*> retries_;
  std::vector<LateFlags> late_flags_;
};

}  // namespace rb
