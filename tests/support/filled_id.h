// An id of equal bytes: readable where it stands in golden bytes, and different for each number.
#pragma once

#include <cstdint>

#include "base/digest.h"

namespace rb::test {

template <typename Id = ObjectId>
Id filled_id(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

}  // namespace rb::test
