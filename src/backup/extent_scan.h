// The data and the holes of one file, in order, as its file system tells them. Small holes count as the zeros
// they stand for: a list of tiny extents would cost more than it saves.
#pragma once

#include <cstdint>
#include <optional>

namespace rb {

struct Extent {
  std::uint64_t begin = 0, end = 0;
  bool is_hole = false;
};

// Smaller holes are read as zeros, and smaller files are not asked for any.
inline constexpr std::uint64_t kSmallestHole = 32 << 10;

class ExtentScan {
 public:
  // Of the first `size` bytes. Where the file system can't tell, all of it is data.
  ExtentScan(int fd, std::uint64_t size);

  // Nothing at the end. Two of a kind never follow each other.
  std::optional<Extent> next();

 private:
  // The first hole worth telling at or after `at`.
  std::optional<Extent> find_hole(std::uint64_t at);

  const int fd_;
  const std::uint64_t size_;
  bool may_have_holes_;
  std::uint64_t reached_ = 0;
  std::optional<Extent> hole_;  // found behind data, and not given yet
};

}  // namespace rb
