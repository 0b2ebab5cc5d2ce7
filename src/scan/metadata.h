// Everything about a file except its content, as an Entry.
#pragma once

#include <functional>
#include <memory>

#include "scan/directory.h"

namespace rb {

// Where xattr values too long for a page go: gives the chunk's id.
using LargeXattrSink = std::function<Result<ObjectId>(ByteView value)>;

// Resolves user and group names (cached, thread-safe) and knows file systems' identities for hard-link groups.
class MetadataReader {
 public:
  MetadataReader();
  ~MetadataReader();

  // Reads owner names, symlink target, xattrs of all namespaces the caller may read (ACLs, capabilities and labels
  // among them), attributes (FS_IOC_GETFLAGS bits in kRestorableAttributes), birth time, hard-link group, device.
  // The content stays `none`; size is set for files. Errors are of the source file: not_found when it vanished.
  Result<Entry> read(const OpenDirectory& parent, const char* name, const FileStat& stat,
                     const LargeXattrSink& large_xattr);
  // The same for the directory itself (a root such as "/", or a PATH).
  Result<Entry> read_self(const OpenDirectory& directory, std::string name, const FileStat& stat,
                          const LargeXattrSink& large_xattr);
  // Mode and owner only, marked implied: for ancestors of a PATH.
  Entry read_implied(std::string name, const FileStat& stat);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// append, immutable, nodump, noatime, sync, dirsync, nocow, projinherit ...: what a restore sets again.
extern const std::uint64_t kRestorableAttributes;

// A stable identity of the file system that holds `fd` (f_fsid of statfs hashed with its type; not st_dev).
std::uint64_t file_system_identity(int fd);

}  // namespace rb
