// -d must not take an unmounted disk or an emptied directory for the user's wish. Counts what one directory
// had in the copy and what of it would leave, and refuses when that is suspicious. What was carried over
// before, and what is excluded, is not counted: neither left suddenly.
#pragma once

#include <string>

#include "base/error.h"

namespace rb {

class DeletionGuard {
 public:
  void had() { ++had_; }
  // One that had() counted, but should not have.
  void discount() { --had_; }
  void loses() { ++lost_; }

  // `is_source`: the path that was given on the command line; `is_empty`: nothing at all is in it now.
  Status check(const std::string& path, bool is_source, bool is_empty) const;

 private:
  std::uint64_t had_ = 0, lost_ = 0;
};

}  // namespace rb
