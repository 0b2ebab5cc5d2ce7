// rbbackupd DIR check.
#pragma once

#include "daemon/administrator.h"

namespace rb::daemon {

// Errc::corrupt: damage was found, and is told on standard output.
Status check(const Options& options, Administrator& administrator);

}  // namespace rb::daemon
