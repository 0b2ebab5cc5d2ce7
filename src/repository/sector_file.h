// A stretch of a file as sectors, each held against its CRC. What can't be read is a damaged sector, not an
// error: a disk that gives an error for one place gives the rest. Not thread-safe; borrows its file.
#pragma once

#include <span>
#include <vector>

#include "base/file_system.h"
#include "format/pack_parity.h"

namespace rb {

class SectorFile {
 public:
  // `bytes` bytes of the file from `offset`; the last sector is filled up with zeros. One CRC for each
  // sector.
  SectorFile(const File& file, std::uint64_t offset, std::uint64_t bytes, std::span<const std::uint32_t> crcs)
      : file_(file), offset_(offset), bytes_(bytes), crcs_(crcs) {}

  // Fills `out`, whole sectors from `first`, and gives those that are not what they were, ascending. What
  // stands in their place in `out` is whatever was found there, or zeros. Requires: the sectors exist.
  std::vector<std::uint32_t> read(std::uint32_t first, std::span<std::uint8_t> out) const;

  std::uint32_t sectors() const { return static_cast<std::uint32_t>(crcs_.size()); }
  // How many bytes of a sector belong to the file.
  std::size_t length_of(std::uint32_t sector) const;
  bool matches(std::uint32_t sector, ByteView bytes) const;

 private:
  bool read_plainly(std::uint32_t first, std::span<std::uint8_t> out) const;

  const File& file_;
  std::uint64_t offset_, bytes_;
  std::span<const std::uint32_t> crcs_;
};

}  // namespace rb
