// The verbs about histories: prune, snapshots, pin, unpin, undelete, stats, gc.
#pragma once

#include "daemon/administrator.h"

namespace rb::daemon {

Status run_prune(const Options& options, Administrator& administrator);
Status run_snapshots(const Options& options, Administrator& administrator);
Status run_pin(const Options& options, Administrator& administrator, bool pinned);
Status run_undelete(const Options& options, Administrator& administrator);
Status run_stats(const Options& options, Administrator& administrator);
Status run_gc(const Options& options, Administrator& administrator);

}  // namespace rb::daemon
