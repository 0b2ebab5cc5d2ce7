// Objects in memory: an ObjectSource and an ObjectSink at once, which counts what is done to it. Thread-safe.
#pragma once

#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "format/object_io.h"

namespace rb {

class MemoryObjects final : public ObjectSource, public ObjectSink {
 public:
  // Whether put() refuses an object that refers to one that is not here, or of a kind it may not refer to, as
  // a store does. Off, tests may refer to contents that nobody made.
  enum class RefCheck : bool { off, on };
  explicit MemoryObjects(RefCheck check = RefCheck::off) : check_(check) {}

  Result<std::shared_ptr<const Object>> load(const ObjectId& id) override {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(id);
    if (found == objects_.end()) return fail(Errc::not_found, "no object " + to_hex(id));
    if (object_id(*found->second) != id)
      return fail(Errc::corrupt, "object " + to_hex(id) + " has another id");
    ++loads_;
    loaded_.insert(id);
    return found->second;
  }

  void prefetch(std::span<const ObjectId> ids, Neighbours) override {
    const std::lock_guard lock(mutex_);
    prefetched_.insert(ids.begin(), ids.end());
  }

  Status put_named(const ObjectId& id, Object object) override {
    const std::lock_guard lock(mutex_);
    if (!valid_ref_count(object.kind, object.refs.size()))
      return fail(Errc::protocol, "impossible references");
    for (const ObjectId& ref : object.refs) {
      if (check_ == RefCheck::off) break;
      const auto found = objects_.find(ref);
      if (found == objects_.end()) return fail(Errc::missing_refs, "no object " + to_hex(ref));
      if (!may_refer(object.kind, found->second->kind))
        return fail(Errc::protocol, "a reference of a wrong kind");
    }
    ++puts_;
    if (!objects_.contains(id)) {
      ++new_objects_;
      new_bytes_ += object.payload.size() + object.refs.size() * ObjectId::kSize;
      objects_.emplace(id, std::make_shared<const Object>(std::move(object)));
    }
    return {};
  }

  // Puts another object in place of the one with this id, or none: damage, and hostile stores.
  void replace(const ObjectId& id, Object object) {
    const std::lock_guard lock(mutex_);
    objects_[id] = std::make_shared<const Object>(std::move(object));
  }
  void remove(const ObjectId& id) {
    const std::lock_guard lock(mutex_);
    objects_.erase(id);
  }

  bool contains(const ObjectId& id) const {
    const std::lock_guard lock(mutex_);
    return objects_.contains(id);
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return objects_.size();
  }

  // Counts since the last reset_counts(). Puts of what is here already count as puts, not as new objects.
  std::size_t loads() const { return locked(loads_); }
  std::size_t puts() const { return locked(puts_); }
  std::size_t new_objects() const { return locked(new_objects_); }
  std::size_t new_bytes() const { return locked(new_bytes_); }
  std::unordered_set<ObjectId> loaded() const { return locked(loaded_); }
  std::unordered_set<ObjectId> prefetched() const { return locked(prefetched_); }
  void reset_counts() {
    const std::lock_guard lock(mutex_);
    loads_ = puts_ = new_objects_ = new_bytes_ = 0;
    loaded_.clear();
    prefetched_.clear();
  }

 private:
  template <typename T>
  T locked(const T& value) const {
    const std::lock_guard lock(mutex_);
    return value;
  }

  RefCheck check_;
  mutable std::mutex mutex_;
  std::unordered_map<ObjectId, std::shared_ptr<const Object>> objects_;
  std::size_t loads_ = 0;
  std::size_t puts_ = 0;
  std::size_t new_objects_ = 0;
  std::size_t new_bytes_ = 0;
  std::unordered_set<ObjectId> loaded_;
  std::unordered_set<ObjectId> prefetched_;
};

}  // namespace rb
