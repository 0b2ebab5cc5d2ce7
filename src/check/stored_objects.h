// The objects of one domain, read from the packs without a session. For looking only: what is read is not
// kept from being collected, so an object may be gone between two loads.
#pragma once

#include "format/object_io.h"
#include "repository/repository_core.h"

namespace rb {

class StoredObjects final : public ObjectSource {
 public:
  StoredObjects(RepositoryCore& core, std::uint32_t domain) : core_(core), domain_(domain) {}
  Result<std::shared_ptr<const Object>> load(const ObjectId& id) override;

 private:
  RepositoryCore& core_;
  const std::uint32_t domain_;
};

}  // namespace rb
