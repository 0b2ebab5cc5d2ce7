// The list of nodes for people.
#pragma once

#include <string>
#include <vector>

#include "store/node_registry.h"

namespace rb::daemon {

// A heading, and a line for each.
std::string node_table(const std::vector<NodeOverview>& nodes);

// "2026-11-22 17:24:42", in this machine's zone.
std::string local_time(const Timestamp& time);

}  // namespace rb::daemon
