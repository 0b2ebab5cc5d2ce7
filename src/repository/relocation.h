// Objects that were copied to another record, and how their rows follow. For whoever copies: the collector,
// which empties packs, and repair, which saves what a damaged record still gives.
#pragma once

#include <map>
#include <span>

#include "repository/catalog.h"

namespace rb {

struct MovedObject {
  std::uint32_t domain = 0;
  ObjectId id;
  PackPosition from;
  std::uint32_t from_index = 0;
  PackPosition to;
  std::uint32_t to_index = 0;
  std::uint32_t share_bytes = 0;
};

// Adds to `batch` the new places of those whose rows are still where they were copied from: what has moved,
// died or come again since has a row of another place, or none. Gives how many, by the pack they leave.
// Requires: the catalog is still until the batch is applied; each object is moved once; what they were copied
// to is durable by then.
Result<std::map<std::uint64_t, std::uint64_t>> put_new_places(Catalog& catalog,
                                                              std::span<const MovedObject> moved,
                                                              CatalogBatch& batch);

// Adds the pack that was copied to, and its bytes to what its nodes have stored.
Status put_pack_of_copies(Catalog& catalog, CatalogPack pack, CatalogBatch& batch);

}  // namespace rb
