// How many descriptors the process may have.
#pragma once

#include <cstddef>

namespace rb::net {

// Raises the soft limit to the hard one, and says how many connections fit beside what else needs
// descriptors.
std::size_t raise_descriptor_limit();

}  // namespace rb::net
