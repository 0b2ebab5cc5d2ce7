// What a collection found dead: every number below `limit` that its mark did not reach. From the freeze until
// the last of their rows is gone no look-up finds them. Immutable once published, so it is read without a
// lock. A number that has no row may be in it; that means nothing.
#pragma once

#include "repository/number_bitmap.h"

namespace rb {

struct DeadSet {
  ObjectNumber limit = 0;
  NumberBitmap marked;

  bool contains(ObjectNumber number) const { return number < limit && !marked.contains(number); }
};

}  // namespace rb
