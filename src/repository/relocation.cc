#include "repository/relocation.h"

#include <algorithm>

namespace rb {

Result<std::map<std::uint64_t, std::uint64_t>> put_new_places(Catalog& catalog,
                                                              std::span<const MovedObject> moved,
                                                              CatalogBatch& batch) {
  std::map<std::uint64_t, std::uint64_t> relocated;
  std::map<std::uint32_t, std::vector<const MovedObject*>> by_domain;
  for (const MovedObject& object : moved)
    by_domain[object.domain].push_back(&object);
  for (auto& [domain, objects] : by_domain) {
    std::sort(objects.begin(), objects.end(), [](auto* a, auto* b) { return a->id < b->id; });
    std::vector<ObjectId> ids;
    for (const MovedObject* object : objects)
      ids.push_back(object->id);
    RB_TRY(const auto rows, catalog.find(domain, ids));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const MovedObject& object = *objects[i];
      if (!rows[i] || rows[i]->at != object.from || rows[i]->index != object.from_index) continue;
      ObjectRow row = *rows[i];
      row.at = object.to;
      row.index = object.to_index;
      row.share_bytes = object.share_bytes;
      batch.objects.push_back({.domain = domain, .id = object.id, .row = row, .children = {}});
      ++relocated[object.from.pack];
    }
  }
  return relocated;
}

Status put_pack_of_copies(Catalog& catalog, CatalogPack pack, CatalogBatch& batch) {
  RB_TRY(batch.stored_bytes, catalog.stored_bytes());
  for (const auto& [node, bytes] : pack.bytes)
    batch.stored_bytes[node] += bytes;
  batch.pack_rows.push_back(std::move(pack));
  return {};
}

}  // namespace rb
