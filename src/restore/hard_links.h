// Which of the files being restored are names of one file. The first of a group is written, the others are
// linked to it once it is complete. Only entries that also agree in everything else are linked: what a
// repository claims about inodes is not believed further than that. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "restore/file_task.h"

namespace rb {

// A complete file that others may be linked to.
struct LinkSource {
  DirectoryRef directory;
  std::string name;
  std::uint64_t device = 0, inode = 0;  // what it was when complete: nobody swapped it since
};

class HardLinks {
 public:
  // The key under which an entry finds its other names: its group and all it says about the file but its
  // name.
  static ObjectId group_of(const Entry& entry);

  // What is to be done with a file of a group.
  enum class Turn : std::uint8_t {
    write,  // it is the first one: write it, then call complete() or give_up()
    link,   // to `source`, now
    wait,   // the task was taken over and comes back from complete() or give_up() of the first one
  };
  struct Answer {
    Turn turn = Turn::write;
    std::shared_ptr<const LinkSource> source;
  };
  Answer enter(FileTask& task);

  // Both give the tasks that waited for it: after complete() to be linked, after give_up() to be entered
  // anew.
  std::vector<FileTask*> complete(const ObjectId& group, std::shared_ptr<const LinkSource> source);
  std::vector<FileTask*> give_up(const ObjectId& group);
  // Links to this source can't be made (any more): the group begins anew with whoever enters next.
  void retire(const ObjectId& group, const std::shared_ptr<const LinkSource>& source);

 private:
  struct Group {
    std::shared_ptr<const LinkSource> source;  // nothing: being written
    std::vector<FileTask*> waiting;
  };
  std::mutex mutex_;
  std::unordered_map<ObjectId, Group> groups_;
};

}  // namespace rb
