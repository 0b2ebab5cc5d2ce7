#include "backup/mount_mark.h"

#include <algorithm>

namespace rb {

bool was_mount_point(const Entry& entry) {
  return std::any_of(entry.unknown.begin(), entry.unknown.end(),
                     [](const UnknownField& field) { return field.tag == kMountPointField; });
}

void set_mount_point(Entry& entry, bool is_mount_point) {
  std::erase_if(entry.unknown, [](const UnknownField& field) { return field.tag == kMountPointField; });
  if (!is_mount_point) return;
  const auto place = std::find_if(entry.unknown.begin(), entry.unknown.end(),
                                  [](const UnknownField& field) { return field.tag > kMountPointField; });
  entry.unknown.insert(place, {.tag = kMountPointField, .value = {1}});
}

}  // namespace rb
