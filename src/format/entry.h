// One entry of a directory: everything that is kept about a file, as a value. Its encoding is the tree
// page's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "format/object.h"

namespace rb {

enum class EntryType : std::uint8_t {
  file = 1,
  directory = 2,
  symlink = 3,
  fifo = 4,
  socket = 5,
  char_device = 6,
  block_device = 7,
};
std::string_view to_string(EntryType type);

// Where the content is. Only files and directories have one.
enum class ContentKind : std::uint8_t {
  none = 0,          // not a file, or an empty one; for a directory: known, but nothing is stored beneath it
  inline_bytes = 1,  // Entry::inline_content, at most kInlineContentBytes
  chunk = 2,         // one chunk is the whole file
  chunk_list = 3,
  tree = 4,  // the root page of a directory
};

// Why the copy holds an entry that the last run did not see as it is.
enum class KeptReason : std::uint8_t {
  absent = 1,      // gone on the client, and the run did not delete
  unreadable = 2,  // there, but could not be read
  excluded = 3,    // an exclude pattern now hides it
  unmounted = 4,   // it lies under a mount point that is no longer one
};
std::string_view to_string(KeptReason reason);

// Set once and copied, so that a second run changes no page. On the topmost entry only.
struct Kept {
  KeptReason reason = KeptReason::absent;
  Timestamp since;  // client time of the run that first carried it over
  bool operator==(const Kept&) const = default;
};

// Exactly one of value and chunk holds the bytes: the chunk when there are more than kInlineXattrBytes.
struct Xattr {
  std::string name;
  Bytes value;
  std::optional<ObjectId> chunk;
  bool operator==(const Xattr&) const = default;
};

// An optional field this version does not know: kept as it is, so that a splice loses nothing. Tags are odd
// numbers above 127; fields are sorted by tag, no tag twice.
struct UnknownField {
  std::uint64_t tag = 0;
  Bytes value;
  bool operator==(const UnknownField&) const = default;
};

// 16 bytes that are equal for the names of one inode: a hash of the file system's own identity (not st_dev,
// which changes at reboot), the inode number and the birth time. Only where nlink > 1.
using HardLinkGroup = FixedId<struct HardLinkTag, 16>;

struct Entry {
  // Raw bytes: no '/', no NUL, not "." or "..". Empty only in the root page of a snapshot, whose one entry is
  // "/".
  std::string name;
  EntryType type = EntryType::file;
  // True for an ancestor of a backed-up path that no run has read itself: mode and owner are known, times are
  // not, and it never replaces an entry that is not implied.
  bool implied = false;
  std::uint32_t mode = 0;  // permission, setuid, setgid and sticky bits: 07777
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user;  // empty when the client has no name for uid
  std::string group;
  std::uint64_t size = 0;  // bytes of a file, holes included; 0 for everything else
  Timestamp mtime;
  std::optional<Timestamp> birth;
  std::uint64_t attributes =
      0;                      // FS_IOC_GETFLAGS bits that a restore sets again (scan/metadata.h says which)
  std::uint64_t device = 0;   // char_device and block_device: major << 32 | minor
  std::string target;         // symlink: raw bytes
  std::vector<Xattr> xattrs;  // sorted by name, no name twice
  std::optional<HardLinkGroup> hard_link;
  std::optional<Kept> kept;
  ContentKind content_kind = ContentKind::none;
  Bytes inline_content;
  ObjectId content;  // for chunk, chunk_list, tree; else zero
  std::vector<UnknownField> unknown;

  bool operator==(const Entry&) const = default;
};

// Whether the fields agree with each other and with the limits (name, type against content kind, inline size
// == `size`, only known mode bits ...). Says what is wrong. encode_tree_page asserts it; decoders check it.
Status check_entry(const Entry& entry);

// An upper bound of what the entry adds to a page, references included. check_entry refuses more than
// kMaxEntryBytes; a builder of pages adds these up to keep a page below kMaxMetadataBytes.
std::size_t entry_bytes_max(const Entry& entry);

}  // namespace rb
