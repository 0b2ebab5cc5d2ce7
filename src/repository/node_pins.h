// How much a node may pin by itself. Whoever has its credential could otherwise keep everything for ever.
#pragma once

#include "repository/repository_core.h"

namespace rb {

// More than anybody names by hand, and too few to fill a disk with but what a policy keeps anyway.
inline constexpr std::size_t kNodePinsMax = 100;

// Errc::conflict when the node has that many already, those counted that it took back and that still hold.
// What it pins again needs no room.
Status check_room_for_pin(RepositoryCore& core, const std::string& node_name,
                          const CatalogSnapshotKey& snapshot);

}  // namespace rb
