// Pruning as a chore of the server.
#pragma once

#include "store/history_keeper.h"

namespace rb::daemon {

// All nodes by their rules; what became of them goes to the log.
Status prune_and_log(HistoryKeeper& keeper);

}  // namespace rb::daemon
