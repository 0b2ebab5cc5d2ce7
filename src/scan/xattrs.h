// Reads extended attributes by path below a directory handle, without opening the file.
#pragma once

#include <string>
#include <vector>

#include "format/entry.h"
#include "scan/metadata.h"

namespace rb {

// All that the caller may read, sorted by name. One system call where there are none. `name` empty: of
// what `directory` itself is, a file too. A file system that has none, or refuses to list them, gives none;
// one value that can't be read is left out. An error of the sink is handed on as it is.
Result<std::vector<Xattr>> read_xattrs(int directory, const char* name, EntryType type,
                                       const LargeXattrSink& large_xattr);

}  // namespace rb
