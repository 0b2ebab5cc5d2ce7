// Wires a repository, the protocol and the listener together, and runs them until a signal ends it.
#pragma once

#include "base/error.h"
#include "daemon/options.h"

namespace rb::daemon {

// Call before any thread is started: it blocks the signals it waits for. Returns after SIGTERM or SIGINT.
Status serve(const Options& options);

}  // namespace rb::daemon
