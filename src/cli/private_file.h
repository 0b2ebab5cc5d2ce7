// Files that hold a secret: only their owner may look, and they are replaced whole or not at all.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "base/unique_fd.h"

namespace rb::cli {

// Nothing when there is no such file. Errc::invalid_argument when others than the caller and root can read or
// change it, or when it is no regular file; Errc::corrupt beyond `max_bytes`.
Result<std::optional<std::string>> read_private_file(const std::string& path, std::size_t max_bytes);

// Atomically, mode 0600, on stable storage when it returns. Makes the directory (mode 0700, durably) where it
// is missing.
Status write_private_file(const std::string& path, std::string_view content);

// Held until it is destroyed; whoever else wants it waits. Makes the directory, and in it `name`.
Result<UniqueFd> lock_directory(const std::string& directory, const std::string& name);

}  // namespace rb::cli
