// Loads objects from a Session: fetches the blocks that hold them, unpacks and verifies, and keeps the other
// metadata objects of those blocks for a while, since neighbours are wanted next. Thread-safe.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "format/object_io.h"
#include "store/store.h"

namespace rb {

class ObjectReader final : public ObjectSource {
 public:
  // Borrows the session. Holds at most about `cache_bytes` of objects.
  explicit ObjectReader(Session& session, std::size_t cache_bytes = 32 << 20);
  ~ObjectReader() override;

  Result<std::shared_ptr<const Object>> load(const ObjectId& id) override;
  void prefetch(std::span<const ObjectId> ids, Neighbours neighbours) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rb
