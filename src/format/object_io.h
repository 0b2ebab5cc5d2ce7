// The two abilities that algorithms over objects need, and no more: to load one by id, and to hand one on.
#pragma once

#include <memory>

#include "format/object.h"

namespace rb {

// Whether somebody who asks for objects has a use for others that are stored with them.
enum class Neighbours : std::uint8_t { welcome, unwanted };

// Implementations are thread-safe.
class ObjectSource {
 public:
  virtual ~ObjectSource() = default;
  // The object, checked against its id. Errc::not_found when there is none.
  virtual Result<std::shared_ptr<const Object>> load(const ObjectId& id) = 0;
  // A hint that these will be loaded soon; may fetch them together. Errors show at load().
  virtual void prefetch(std::span<const ObjectId>, Neighbours) {}
};

// Implementations are thread-safe. An object is put after everything it refers to.
class ObjectSink {
 public:
  virtual ~ObjectSink() = default;
  // Gives the id. Putting the same object again is harmless.
  Result<ObjectId> put(Object object);
  // The same of one whose id is known to be this.
  virtual Status put_named(const ObjectId& id, Object object) = 0;
};

inline Result<ObjectId> ObjectSink::put(Object object) {
  const ObjectId id = object_id(object);
  RB_TRY(put_named(id, std::move(object)));
  return id;
}

}  // namespace rb
