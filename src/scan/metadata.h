// Everything about a file except its content, as an Entry.
#pragma once

#include <functional>
#include <memory>

#include "scan/directory.h"

namespace rb {

// Where xattr values too long for a page go: gives the chunk's id. A failure of the sink comes back from
// read() as it is; whoever hands the sink in remembers that it was the store's, not the file's.
using LargeXattrSink = std::function<Result<ObjectId>(ByteView value)>;

// Resolves user and group names (cached, thread-safe) and knows file systems' identities for hard-link
// groups.
class MetadataReader {
 public:
  MetadataReader();
  ~MetadataReader();

  // Reads owner names, symlink target, xattrs of all namespaces the caller may read (ACLs, capabilities and
  // labels among them), attributes (bits in kRestorableAttributes), birth time, hard-link group, device. The
  // content stays `none`; size is set for files. Errors are of the source file: not_found when it vanished.
  // Opens nothing. `open_fd`: of the file, where it is open; looking its name up again costs more than
  // opening it did.
  Result<Entry> read(const OpenDirectory& parent, const char* name, const FileStat& stat,
                     const LargeXattrSink& large_xattr, int open_fd = -1);
  // The same for the directory itself (a root such as "/", or a PATH).
  Result<Entry> read_self(const OpenDirectory& directory, std::string name, const FileStat& stat,
                          const LargeXattrSink& large_xattr);
  // Mode and owner only, marked implied: for ancestors of a PATH.
  Entry read_implied(std::string name, const FileStat& stat);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// FS_*_FL bits that a restore sets again: append, immutable, nodump, compressed. Those that statx tells,
// since the others (nocow, noatime, sync ...) would cost an open, an ioctl and a close for every file.
extern const std::uint64_t kRestorableAttributes;

// A stable identity of the file system that holds `fd`: a hash of its type and f_fsid or, where that says
// nothing, of the source of its mount; not st_dev. 0 where nothing can be learnt.
std::uint64_t file_system_identity(int fd);

}  // namespace rb
