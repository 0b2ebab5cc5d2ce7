// Histories as people read them.
#pragma once

#include <string>

#include "store/history_keeper.h"

namespace rb::daemon {

// A line for each snapshot: whether it stays, and why.
std::string pruned_table(const PrunedNode& node);
std::string kept_table(const std::vector<KeptSnapshot>& snapshots);
std::string stats_table(const std::vector<NodeStats>& nodes);

}  // namespace rb::daemon
