// Reads what a failing disk still gives.
#pragma once

#include "base/file_system.h"

namespace rb {

// What can't be read, or lies beyond the end of the file, is zeros: the checks of what stands there fail.
void read_leniently(const File& file, std::uint64_t offset, std::span<std::uint8_t> out);

}  // namespace rb
