// Reads directories of the source tree: names by getdents64, one statx per entry, relative to directory
// handles, so that paths deeper than PATH_MAX work and nobody can swap a parent underneath. No allocation per
// entry.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "format/entry.h"

namespace rb {

// What one statx gives, as far as it is needed to tell whether a file changed.
struct FileStat {
  EntryType type = EntryType::file;
  std::uint32_t mode = 0;  // 07777
  std::uint32_t uid = 0, gid = 0;
  std::uint32_t link_count = 1;
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
  std::uint64_t device = 0;          // st_dev: of the file system
  std::uint64_t mount_id = 0;        // statx stx_mnt_id, 0 where the kernel gives none
  bool mount_root = false;           // STATX_ATTR_MOUNT_ROOT
  std::uint64_t special_device = 0;  // major << 32 | minor of a device node
  std::uint64_t attributes = 0;  // FS_*_FL bits that statx tells: compressed, immutable, append-only, no dump
  Timestamp mtime, ctime;
  std::optional<Timestamp> birth;
};

// Names of one directory, sorted by bytes, in one arena.
class NameList {
 public:
  struct Item {
    std::uint32_t offset;
    std::uint32_t length;
    std::uint8_t d_type;  // DT_*, DT_UNKNOWN where the file system does not say
  };
  std::size_t size() const { return items_.size(); }
  std::string_view name(std::size_t i) const { return {c_str(i), items_[i].length}; }
  const char* c_str(std::size_t i) const { return arena_.data() + items_[i].offset; }
  std::uint8_t d_type(std::size_t i) const { return items_[i].d_type; }

 private:
  friend class OpenDirectory;
  void sort();
  std::vector<char> arena_;
  std::vector<Item> items_;
};

// Of a file that is open. Errors as those of OpenDirectory::stat.
Result<FileStat> stat_of_open(int fd);

class OpenDirectory {
 public:
  // Errors name no path: the caller knows it. Errc::not_found also where something else now stands in its
  // place. Opens without following a symlink, relative to `parent` (AT_FDCWD for an absolute path). O_NOATIME
  // where allowed.
  static Result<OpenDirectory> open(int parent, const char* name);

  int fd() const { return fd_.get(); }
  Result<FileStat> stat_self() const;
  // Does not follow a symlink. Errc::unsupported for a type of file that no entry can stand for. `name` must
  // be NUL-terminated (names of a NameList are).
  Result<FileStat> stat(const char* name) const;
  // All names but "." and "..", each once. May be called again, then reads anew; not by two threads at a
  // time, since they would share the directory's position.
  Result<NameList> list() const;

 private:
  explicit OpenDirectory(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace rb
