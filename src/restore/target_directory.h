// The directories a restore writes into, as a tree of nodes that know their parent and their name, and the
// handles to them. Nothing here ever passes a path of more than one component to the kernel, so that depth
// doesn't matter, and no symlink is ever followed, so that everything stays beneath the root that was opened
// once.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include <sys/stat.h>

#include "base/unique_fd.h"
#include "format/entry.h"

namespace rb {

// What is left to do to a directory once everything beneath it is there.
enum class DirectoryFinish : std::uint8_t {
  nothing,     // it was there before and is none of our business
  owner_mode,  // an ancestor of a PATH that we had to make: mode and owner, no times
  times,       // it was there before and agrees: only our writing into it moved its times
  all,
};

class DirectoryHandles;

struct TargetDirectory {
  std::shared_ptr<TargetDirectory> parent;  // nothing: the root
  std::string name;                         // for the root: how people know it
  Entry entry;                              // as stored; what finishing applies
  DirectoryFinish finish = DirectoryFinish::nothing;
  bool fresh = false;           // made by this run: holds nothing but what this run puts there
  bool inherits_group = false;  // what is made in it gets another group than ours
  // Things beneath that are not finished yet, and one for whoever still adds to it. At zero it is finished.
  std::atomic<std::int64_t> pending{1};

  // Borrows the handles, which forget about it in time.
  explicit TargetDirectory(DirectoryHandles* handles) : handles_(handles) {}
  // Lets go of a long chain of parents without recursion.
  ~TargetDirectory();

 private:
  DirectoryHandles* handles_;
};

using DirectoryRef = std::shared_ptr<TargetDirectory>;

// The path of a directory, or of something in it, for people.
std::string path_of(const TargetDirectory& directory);
std::string path_of(const TargetDirectory& directory, std::string_view name);

// Whether a name that came from a repository may be given to the kernel as one component.
Status check_target_name(std::string_view name);

// Opens a directory right beneath another one, never through a symlink. Errors: not_found; conflict when
// something else stands there. The handle may be good for *at calls only (O_PATH) where the directory can't
// be read.
Result<UniqueFd> open_beneath(int parent, const std::string& name);

// Open handles of directories, the most recently used ones; others are opened again, from the nearest open
// parent down, when they are needed. Thread-safe.
class DirectoryHandles {
 public:
  using Handle = std::shared_ptr<const UniqueFd>;

  explicit DirectoryHandles(std::size_t capacity) : capacity_(capacity) {}

  // Before anything else. The root's handle stays open as long as this lives.
  void set_root(const TargetDirectory& root, UniqueFd fd);

  Result<Handle> open(const TargetDirectory& directory);
  // Takes a handle that was opened already.
  Handle adopt(const TargetDirectory& directory, UniqueFd fd);
  // A directory that goes away must not leave its handle for another one at the same address.
  void forget(const TargetDirectory& directory);

 private:
  struct Item {
    Handle handle;
    std::list<const TargetDirectory*>::iterator used;
  };
  Handle find_locked(const TargetDirectory& directory);
  Handle adopt_locked(const TargetDirectory& directory, UniqueFd fd);

  const TargetDirectory* root_ = nullptr;
  Handle root_handle_;
  const std::size_t capacity_;
  std::mutex mutex_;
  std::list<const TargetDirectory*> recent_;  // most recent first
  std::unordered_map<const TargetDirectory*, Item> items_;
};

// Lifts the soft limit of open files as far as is allowed and useful; gives it.
std::size_t raise_open_file_limit();

}  // namespace rb
