// Random bytes from the kernel, for ids and secrets.
#pragma once

#include <span>

#include "base/bytes.h"

namespace rb {

// Fills `out`; stops the program if the kernel has no randomness to give, since nothing safe could follow.
void fill_random(std::span<std::uint8_t> out);

template <typename Id>
Id random_id() {
  Id id;
  fill_random(id.bytes);
  return id;
}

}  // namespace rb
