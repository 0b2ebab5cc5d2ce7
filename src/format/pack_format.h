// A pack's bytes: a header, then records at multiples of 8, each the server's header, a table of CRCs and the
// client's block. docs/format.md, "Pack", has every byte.
//
// Who may write what: a client decides every byte of a block, and blocks may hold parts of other packs. So a
// record is believed only by checks keyed with the repository's record key, and these bind it to its pack and
// offset.
#pragma once

#include <optional>
#include <string>

#include "base/hash.h"
#include "format/object.h"

namespace rb {

// Where one record begins.
struct PackPosition {
  std::uint64_t pack = 0;  // packs are numbered from 1, ascending, never reused
  std::uint64_t offset = 0;
  auto operator<=>(const PackPosition&) const = default;
};

// What the server adds to a block, from the session, never from the block itself.
struct PackRecordOwner {
  std::uint32_t node = 0;
  std::uint32_t domain = 0;
  bool operator==(const PackRecordOwner&) const = default;
};

inline constexpr std::uint32_t kPackVersion = 0;
inline constexpr std::size_t kPackHeaderBytes = 80;
inline constexpr std::size_t kPackRecordHeaderBytes = 64;
inline constexpr std::size_t kPackAlignment = 8;
// The piece of a block that one CRC locates damage in: a page, and the sector of most disks.
inline constexpr std::size_t kPackPieceBytes = 4096;
// "\xe7rbrec\r\n": a byte that is no text first, and line ends that a text transfer would change.
inline constexpr std::string_view kPackRecordMagic = "\xe7rbrec\r\n";

// "0000002a.pack" for 42.
std::string pack_file_name(std::uint64_t number);
// Nothing for any other name.
std::optional<std::uint64_t> pack_number_of(std::string_view file_name);

// Who fills a pack. What the garbage collector copied stands in packs of its own: no session's upload is in
// them, so the watermark of the sessions' packs stays one position.
enum class PackWriter : std::uint8_t { sessions = 0, collector = 1 };

struct PackHeader {
  RepositoryId repository;
  std::uint64_t number = 0;             // guards against a file that was renamed
  std::uint64_t collections_begun = 0;  // before the pack was opened: how old what nobody refers to may be
  PackWriter writer = PackWriter::sessions;
  bool operator==(const PackHeader&) const = default;
};

Bytes encode_pack_header(const PackHeader& header);
// Of the first kPackHeaderBytes. Errc::unsupported for a version it does not know, else Errc::corrupt.
Result<PackHeader> decode_pack_header(ByteView bytes);

struct PackRecordHeader {
  PackRecordOwner owner;
  std::uint32_t block_bytes = 0;

  std::size_t piece_count() const { return (block_bytes + kPackPieceBytes - 1) / kPackPieceBytes; }
  std::size_t table_bytes() const { return piece_count() * 4; }
  std::size_t block_offset() const { return kPackRecordHeaderBytes + table_bytes(); }  // in the record
  // With the padding that aligns the next record.
  std::size_t record_bytes() const;
  bool operator==(const PackRecordHeader&) const = default;
};

// The largest record there can be.
std::size_t pack_record_bytes_max();
// Between the 32 bytes of its own checksum and kMaxBlockBytes.
bool valid_block_bytes(std::size_t block_bytes);

// What the record of such a block takes, header and padding included.
std::size_t pack_record_bytes(std::size_t block_bytes);
// Requires: valid_block_bytes, and `out` is of pack_record_bytes.
void encode_pack_record(const PackRecordOwner& owner, ByteView block, const PackPosition& at,
                        const HashKey& record_key, std::span<std::uint8_t> out);
// The checks alone: those that bind a record to its place. Requires: the length in its header is its own.
void place_pack_record(std::span<std::uint8_t> record, const PackPosition& at, const HashKey& record_key);

// Of at least kPackRecordHeaderBytes. Nothing unless the header alone proves that a record was written at
// this place; then its lengths can be believed, though its block may be damaged.
std::optional<PackRecordHeader> decode_pack_record_header(ByteView bytes, const PackPosition& at,
                                                          const HashKey& record_key);

// Checks the record's keyed checksum and the CRC of every piece. `front` is the header and the table.
// Requires: the header decoded, and the sizes are as it says. The Error names the damaged pieces.
Status check_pack_record(ByteView front, ByteView block, const PackPosition& at, const HashKey& record_key);

}  // namespace rb
