// What backup and restore have to say about a single path, to people or as JSON.
#pragma once

#include <string>

#include "cli/terminal.h"

namespace rb::cli {

enum class PathMatter {
  failure,  // the run ends with exit status 3; said even with -q
  warning,
};

// An empty path: about the run as a whole.
void report_path(Terminal& terminal, PathMatter matter, const std::string& path, const std::string& what);

}  // namespace rb::cli
