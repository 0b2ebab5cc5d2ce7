// Objects as a run sees them while it puts its tree together: what it made itself a moment ago, which may not
// have reached the store yet, and the store's. Remembers the few pages that splicing makes. Thread-safe as
// its parts are.
#pragma once

#include <mutex>
#include <unordered_map>

#include "format/object_io.h"

namespace rb {

class TreeWorkspace final : public ObjectSource, public ObjectSink {
 public:
  // Borrows both.
  TreeWorkspace(ObjectSource& stored, ObjectSink& next) : stored_(stored), next_(next) {}

  Result<std::shared_ptr<const Object>> load(const ObjectId& id) override {
    {
      std::lock_guard lock(mutex_);
      if (const auto made = made_.find(id); made != made_.end()) return made->second;
    }
    return stored_.load(id);
  }

  Status put_named(const ObjectId& id, Object object) override {
    auto copy = std::make_shared<const Object>(object);
    RB_TRY(next_.put_named(id, std::move(object)));
    std::lock_guard lock(mutex_);
    made_.emplace(id, std::move(copy));
    return {};
  }

 private:
  ObjectSource& stored_;
  ObjectSink& next_;
  std::mutex mutex_;
  std::unordered_map<ObjectId, std::shared_ptr<const Object>> made_;
};

}  // namespace rb
