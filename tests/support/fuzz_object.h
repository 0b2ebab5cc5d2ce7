// How a fuzzer's input stands for an object: a count of references (one byte), one byte for each (an id is
// that byte, repeated, so that equal ones are likely), then the payload.
#pragma once

#include <algorithm>

#include "format/object.h"

namespace rb::test {

inline Object object_from_fuzz(ObjectKind kind, ByteView input) {
  Object object{.kind = kind};
  if (input.empty()) return object;
  const std::size_t count = std::min<std::size_t>(input[0], input.size() - 1);
  for (std::size_t i = 0; i < count; ++i) {
    object.refs.emplace_back().bytes.fill(input[1 + i]);
  }
  const ByteView payload = input.subspan(1 + count);
  object.payload.assign(payload.begin(), payload.end());
  return object;
}

// The input that stands for the object, with other references of the same number. Requires: at most 255 of
// them.
inline Bytes fuzz_from_object(const Object& object) {
  Bytes input = {static_cast<std::uint8_t>(object.refs.size())};
  for (std::size_t i = 0; i < object.refs.size(); ++i) {
    input.push_back(static_cast<std::uint8_t>(i + 1));
  }
  append(input, object.payload);
  return input;
}

}  // namespace rb::test
