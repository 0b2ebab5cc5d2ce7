// The list of nodes for people.
#pragma once

#include <string>
#include <vector>

#include "store/node_registry.h"

namespace rb::daemon {

// A heading, and a line for each.
std::string node_table(const std::vector<NodeOverview>& nodes);

// A name may come from a directory of users: what could move a terminal's cursor is shown as '?'.
std::string printable_name(std::string text);

// "2026-11-22 17:24:42", in this machine's zone.
std::string local_time(const Timestamp& time);

}  // namespace rb::daemon
