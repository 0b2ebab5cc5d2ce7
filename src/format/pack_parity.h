// The parity of a sealed pack, a file beside it: from it, sectors of the pack that were lost are computed
// again. docs/format.md, "Parity", has every byte.
//
// The pack is taken as a matrix: `data_rows` rows of `stripes` sectors of 4 KiB each, row after row; the
// last one is filled up with zeros. `parity_rows` rows of parity are computed from them, column by column (a
// column is a stripe). As neighbours stand in different stripes, a burst of lost sectors up to parity_rows x
// stripes of them can be repaired. CRCs of all sectors say which ones are lost; they cover headers, gaps and
// padding of the pack too, of which its records know nothing.
//
// The index (header and CRCs) is stored twice, in pages with a check each, and a page is taken from whichever
// copy has it. Pure: bytes to values and back.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/digest.h"
#include "base/error.h"

namespace rb {

inline constexpr std::uint32_t kPackParityVersion = 0;
inline constexpr std::size_t kParitySectorBytes = 4096;
// Packs are 128 MiB by default; the memory to make the parity is a share of this.
inline constexpr std::uint64_t kParityPackBytesMax = 4ull << 30;
inline constexpr unsigned kParityPercentMin = 1, kParityPercentMax = 20, kParityPercentDefault = 5;

// "0000002a.parity" for pack 42.
std::string pack_parity_file_name(std::uint64_t pack);
// Nothing for any other name.
std::optional<std::uint64_t> pack_parity_number_of(std::string_view file_name);

// Which pack it is the parity of: part of every page's check, so that pages of another pack are not believed.
struct ParityOwner {
  RepositoryId repository;
  std::uint64_t pack = 0;
  bool operator==(const ParityOwner&) const = default;
};

// What stands where. Everything follows from these three numbers.
struct ParityLayout {
  std::uint64_t pack_bytes = 0;
  std::uint32_t stripes = 0;
  std::uint32_t parity_rows = 0;
  bool operator==(const ParityLayout&) const = default;

  std::uint32_t sectors() const;    // of the pack
  std::uint32_t data_rows() const;  // the last one may be short
  std::uint32_t parity_sectors() const { return parity_rows * stripes; }
  std::uint64_t row_bytes() const { return std::uint64_t{stripes} * kParitySectorBytes; }

  // The sector is in row sector / stripes, stripe sector % stripes; likewise of parity sectors.
  std::uint32_t sector(std::uint32_t row, std::uint32_t stripe) const { return row * stripes + stripe; }

  std::uint64_t index_bytes() const;
  std::uint32_t index_pages() const;  // of one copy
  // The first copy is at the beginning; the second at the end, its pages backwards, so that the first page of
  // it is found without knowing more than the length of the file.
  std::uint64_t page_offset(unsigned copy, std::uint32_t page) const;
  std::uint64_t parity_offset(std::uint32_t parity_sector) const;
  std::uint64_t file_bytes() const;
};

// Whether a program could have made it: everything else may then be computed without overflow.
bool valid_parity_layout(const ParityLayout& layout);

// A hundred data rows or fewer, and of them the given share of parity rows, rounded up. A pack so short that
// all its sectors are one stripe has two of them at least, or its second lost sector would be one too many.
// Requires: 1 to kParityPackBytesMax bytes, a percentage in its range.
ParityLayout plan_parity_layout(std::uint64_t pack_bytes, unsigned percent);

struct ParityIndex {
  ParityOwner owner;
  ParityLayout layout;
  Digest pack_digest;  // BLAKE3 of the pack: proves that it was put right, whatever CRCs let through
  std::vector<std::uint32_t> sector_crcs, parity_crcs;  // CRC-32C of 4096 bytes each
  bool operator==(const ParityIndex&) const = default;
};

// Writes both copies. Requires: a valid layout, tables of their lengths, file.size() == layout.file_bytes().
void encode_parity_index(const ParityIndex& index, std::span<std::uint8_t> file);

// Gives kParitySectorBytes bytes at an offset, or nothing where they can't be read.
using ParityPageReader = std::function<std::optional<ByteView>(std::uint64_t offset)>;

struct DecodedParityIndex {
  ParityIndex index;
  std::size_t damaged_pages = 0;  // of both copies
};
// Takes memory in proportion to `file_bytes` at most. Errc::unsupported for a version it does not know,
// Errc::corrupt when a page is lost in both copies or it is the parity of something else.
Result<DecodedParityIndex> decode_parity_index(const ParityOwner& owner, std::uint64_t file_bytes,
                                               const ParityPageReader& read_page);

}  // namespace rb
