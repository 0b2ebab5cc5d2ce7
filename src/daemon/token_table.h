// The list of administrators' tokens for people.
#pragma once

#include <string>
#include <vector>

#include "store/node_registry.h"

namespace rb::daemon {

// A heading, and a line for each.
std::string token_table(const std::vector<TokenOverview>& tokens);

}  // namespace rb::daemon
