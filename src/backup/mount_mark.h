// Remembers in an entry that the directory was a mount point, so that a later run notices when it no longer
// is one. An optional field of the entry's format (docs/format.md, "Tree page"), which readers that don't
// know it keep.
#pragma once

#include "format/entry.h"

namespace rb {

inline constexpr std::uint64_t kMountPointField = 129;

bool was_mount_point(const Entry& entry);
void set_mount_point(Entry& entry, bool is_mount_point);

}  // namespace rb
