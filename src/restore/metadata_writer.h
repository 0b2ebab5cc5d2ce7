// Gives files the owner, mode, times, extended attributes and flags that an entry says, and tells whether
// what stands there already has them. A part that can't be set here is a warning, said once: the content is
// what matters most.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <sys/stat.h>

#include "format/object_io.h"
#include "restore/run_context.h"
#include "restore/target_directory.h"

namespace rb {

// Mode of a file that is still being written: nobody else can read it before owner and mode are right, and,
// as a sticky bit means nothing on a file, what an interrupted run left is told from anybody's real file by
// it. The final mode is set last of all. A directory that is still being filled has the same with x.
inline constexpr mode_t kUnfinishedFileMode = S_ISVTX | 0600;
inline constexpr mode_t kUnfinishedDirectoryMode = S_ISVTX | 0700;

// Something in a directory of the target.
struct TargetPlace {
  const TargetDirectory* directory;
  const std::string* name;  // nullptr: the directory itself
  std::string text() const { return name ? path_of(*directory, *name) : path_of(*directory); }
};

enum class Agreement : std::uint8_t {
  absent,
  agrees,
  unfinished,  // what an interrupted restore left
  differs,
};

struct Examined {
  Agreement agreement = Agreement::absent;
  std::string why;  // differs: in what
  struct stat stat {};
};

// Thread-safe.
class MetadataWriter {
 public:
  // Borrows both.
  MetadataWriter(ObjectSource& objects, RunContext& context);

  // What an entry's owner and mode become on this machine: by name where root restores and the name exists
  // here, else by number. Others than root get what they may have, and then no setuid or setgid bit that
  // would mean another owner.
  struct Wanted {
    uid_t uid = 0;
    gid_t gid = 0;
    bool owner_possible = true;  // false: uid or gid is only the best we can do
    bool any_group = false;      // false: the file must have `gid`
    mode_t mode = 0;
  };
  Wanted wanted(const Entry& entry);

  // What stands at the name in the open directory, compared by type, size, time, mode and owner; a symlink by
  // its target, a device by its number. Times agree when one is the other cut off to what a file system can
  // hold.
  Examined examine(int directory, const std::string& name, const Entry& entry);
  // The same for an open directory against its entry: `differs` is about mode and owner only.
  Examined examine_directory(int fd, const Entry& entry);

  // Owner, xattrs, times, mode, flags, in this order, to a file or directory that is open. `created_by_us`
  // and a group that wasn't inherited spare a chown. Fails only when the file can't be made complete (its
  // mode can't be set).
  struct Fresh {
    bool created_by_us = false;
    bool inherits_group = false;
    bool may_have_acl = false;  // made where a default ACL may have given it one
    bool leave_flags = false;   // immutable and the like are for later
  };
  Status apply(int fd, const Entry& entry, const Fresh& fresh, const TargetPlace& place);
  // The same without opening it: for symlinks, FIFOs, sockets, devices.
  Status apply_at(int directory, const std::string& name, const Entry& entry, const TargetPlace& place);
  // Times only.
  void set_times(int fd, const Entry& entry, const TargetPlace& place);
  // Flags (chattr) only, to something that is open.
  void set_flags(int fd, const Entry& entry, const TargetPlace& place);
  // Those flags that must be there before anything is written.
  void set_early_flags(int fd, const Entry& entry);

 private:
  template <typename Id>
  struct Names {
    std::unordered_map<std::string, std::optional<Id>> known;
  };
  uid_t uid_of(const Entry& entry);
  gid_t gid_of(const Entry& entry);
  bool in_our_groups(gid_t gid) const;
  bool owner_agrees(const struct stat& found, const Wanted& wanted) const;
  bool looks_unfinished(const struct stat& found, const Wanted& wanted, mode_t mode) const;
  void set_xattrs(const Entry& entry, const TargetPlace& place, int fd, const std::string& path);
  void owner_lost(const TargetPlace& place, int error);
  Status mode_lost(const TargetPlace& place, int error);

  ObjectSource& objects_;
  RunContext& context_;
  const uid_t euid_;
  const gid_t egid_;
  std::vector<gid_t> groups_;
  std::mutex mutex_;
  Names<uid_t> users_;
  Names<gid_t> group_names_;
};

}  // namespace rb
