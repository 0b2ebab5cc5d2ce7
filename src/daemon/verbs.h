// What rbbackupd does besides serving: results on standard output, talk on standard error.
#pragma once

#include "daemon/options.h"

namespace rb::daemon {

// `config` is with the options applied.
Status run_verb(const Options& options, const Config& config);

}  // namespace rb::daemon
