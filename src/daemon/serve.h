// Wires a repository, the protocol and the listener together, and runs them until a signal ends it.
#pragma once

#include "base/error.h"
#include "daemon/options.h"

namespace rb::daemon {

// Call before any thread is started: it blocks the signals it waits for. Returns after SIGTERM or SIGINT;
// SIGHUP reads the configuration and the TLS files again. `config` is with the options applied.
Status serve(const Options& options, Config config);

// How a repository is opened with this configuration.
RepositoryOptions repository_options(const Config& config);

}  // namespace rb::daemon
