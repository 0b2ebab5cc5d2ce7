// What repairs have left of packs that were damaged: "0000002a.pack.damaged-1" beside the corrected one
// (docs/repair.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace rb {

struct DamagedCopy {
  std::string path;
  std::uint64_t pack = 0;
  std::uint64_t bytes = 0;
};

// The pack that a file of this name is a damaged copy of.
std::optional<std::uint64_t> damaged_copy_of(std::string_view file_name);
// `packs` is the directory of the packs.
Result<std::vector<DamagedCopy>> find_damaged_copies(FileSystem& fs, const std::string& packs);

}  // namespace rb
