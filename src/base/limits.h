// Every maximum that is checked before memory is taken or bytes are believed, each with its reason. A format
// or protocol document that names a limit names the constant here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rb {

// NAME_MAX of Linux is 255; some network file systems give longer names.
inline constexpr std::size_t kMaxNameBytes = 4096;
// A symlink target is at most PATH_MAX on Linux.
inline constexpr std::size_t kMaxTargetBytes = 65536;
// The kernel's XATTR_NAME_MAX, XATTR_SIZE_MAX and XATTR_LIST_MAX.
inline constexpr std::size_t kMaxXattrNameBytes = 255;
inline constexpr std::size_t kMaxXattrValueBytes = 65536;
inline constexpr std::size_t kMaxXattrs = 32768;
// An xattr value longer than this is stored as a chunk, so that a page stays small.
inline constexpr std::size_t kInlineXattrBytes = 512;
// File contents up to this size are stored in the entry: a reference costs 32 bytes that don't compress, a
// row of the index and a line of a block's directory.
inline constexpr std::size_t kInlineContentBytes = 256;

// Names of users and groups; the kernel does not know them, useradd stops at 32, directory services stay
// below this.
inline constexpr std::size_t kMaxOwnerNameBytes = 255;
// What one entry may add to a page, so that a page of one entry always fits an object.
inline constexpr std::size_t kMaxEntryBytes = 1 << 20;
inline constexpr std::size_t kMaxUnknownFields = 64;

// Chunks: format/object.h. The largest chunk a domain may be configured for; a decoder's limit.
inline constexpr std::size_t kMaxChunkBytes = 1 << 20;
// A metadata object (tree page, chunk-list page, snapshot): references and payload together. A little less
// than a block's body, which also holds the object's length.
inline constexpr std::size_t kMaxMetadataBytes = (4 << 20) - 1024;
inline constexpr std::size_t kMaxObjectRefs = 16384;
// Entries of a tree page, items of a chunk list: bounds what a page of a few bytes an item may unpack to.
inline constexpr std::size_t kMaxPageItems = 16384;
// A path as a snapshot's source; deeper ones exist, but nobody types them.
inline constexpr std::size_t kMaxPathBytes = 65536;
// A block: what one compressed frame may unpack to, what one record may hold, and how many objects.
inline constexpr std::size_t kMaxBlockRawBytes = 4 << 20;
inline constexpr std::size_t kMaxBlockBytes = 8 << 20;
inline constexpr std::size_t kMaxBlockObjects = 16384;

// Ids in one ask or read.
inline constexpr std::size_t kMaxAskIds = 65536;
inline constexpr std::size_t kMaxReadIds = 65536;

// Depth of page trees and of directories, so that hostile objects can't exhaust the stack.
inline constexpr int kMaxPageLevels = 12;
inline constexpr int kMaxDirectoryDepth = 20000;

}  // namespace rb
