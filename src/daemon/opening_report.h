// What opening a repository found, in words.
#pragma once

#include <string>

#include "repository/local_repository.h"

namespace rb::daemon {

// Of one whose catalog was made anew: how long that took, what there is, and whether anything is missing.
std::string describe_rebuild(const RepositoryReport& report);

// Goes to the log.
void log_opening(const RepositoryReport& report, const std::string& directory);

}  // namespace rb::daemon
