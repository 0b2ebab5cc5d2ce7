#include "repository/sector_file.h"

#include <algorithm>

#include "base/crc32c.h"

namespace rb {

std::vector<std::uint32_t> SectorFile::read(std::uint32_t first, std::span<std::uint8_t> out) const {
  RB_ASSERT(out.size() % kParitySectorBytes == 0 && first + out.size() / kParitySectorBytes <= crcs_.size());
  const bool at_once = read_plainly(first, out);
  std::vector<std::uint32_t> damaged;
  for (std::size_t i = 0; i * kParitySectorBytes < out.size(); ++i) {
    const auto sector = first + static_cast<std::uint32_t>(i);
    const std::span<std::uint8_t> bytes = out.subspan(i * kParitySectorBytes, kParitySectorBytes);
    const bool readable = at_once || read_plainly(sector, bytes);
    if (!readable || !matches(sector, bytes)) damaged.push_back(sector);
  }
  return damaged;
}

std::size_t SectorFile::length_of(std::uint32_t sector) const {
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(kParitySectorBytes, bytes_ - std::uint64_t{sector} * kParitySectorBytes));
}

bool SectorFile::matches(std::uint32_t sector, ByteView bytes) const {
  return crc32c(bytes) == crcs_[sector];
}

// False when not all of it could be read; `out` holds zeros then.
bool SectorFile::read_plainly(std::uint32_t first, std::span<std::uint8_t> out) const {
  const std::uint64_t at = std::uint64_t{first} * kParitySectorBytes;
  const std::size_t length = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), bytes_ - at));
  const auto got = file_.read_at(offset_ + at, out.first(length));
  const bool whole = got && *got == length;
  std::ranges::fill(whole ? out.subspan(length) : out, 0);
  return whole;
}

}  // namespace rb
