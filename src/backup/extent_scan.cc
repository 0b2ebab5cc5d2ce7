#include "backup/extent_scan.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace rb {

namespace {

bool has_holes(int fd, std::uint64_t size) {
  struct stat st;
  return size >= kSmallestHole && ::fstat(fd, &st) == 0 &&
         static_cast<std::uint64_t>(st.st_blocks) * 512 < size;
}

}  // namespace

ExtentScan::ExtentScan(int fd, std::uint64_t size)
    : fd_(fd), size_(size), may_have_holes_(has_holes(fd, size)) {}

std::optional<Extent> ExtentScan::next() {
  if (hole_) return std::exchange(hole_, std::nullopt);
  if (reached_ == size_) return std::nullopt;
  const std::optional<Extent> hole = find_hole(reached_);
  const Extent data{reached_, hole ? hole->begin : size_, false};
  reached_ = hole ? hole->end : size_;
  if (data.begin == data.end) return hole;
  hole_ = hole;
  return data;
}

std::optional<Extent> ExtentScan::find_hole(std::uint64_t at) {
  while (may_have_holes_ && at < size_) {
    const off_t data = ::lseek(fd_, static_cast<off_t>(at), SEEK_DATA);
    // ENXIO: nothing but a hole up to the end. Anything else: this file system can't tell.
    if (data < 0 && errno != ENXIO) may_have_holes_ = false;
    if (data < 0 && errno != ENXIO) break;
    const std::uint64_t end = data < 0 ? size_ : std::min(static_cast<std::uint64_t>(data), size_);
    if (end - at >= kSmallestHole) return Extent{at, end, true};
    if (end == size_) break;
    const off_t hole = ::lseek(fd_, static_cast<off_t>(end), SEEK_HOLE);
    at = hole < 0 ? size_ : std::min(static_cast<std::uint64_t>(hole), size_);
  }
  return std::nullopt;
}

}  // namespace rb
