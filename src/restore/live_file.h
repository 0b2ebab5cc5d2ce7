// One live file against its entry in the copy.
#pragma once

#include "format/entry.h"
#include "format/object_io.h"

namespace rb {

enum class LiveFile : std::uint8_t { same, changed, gone, differs };

// Reads the file unless its size tells already. Errors of our own system are Errc::io and the like, with an
// errno; those of the store have none.
Result<LiveFile> compare_live_file(ObjectSource& objects, const std::string& path, const Entry& entry);

}  // namespace rb
