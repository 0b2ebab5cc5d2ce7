#include "format/pack_format.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "base/limits.h"
#include "format/version.h"

namespace rb {

namespace {

// "\xe7rbpack\n", for the same reasons as the records' magic.
constexpr std::string_view kPackMagic = "\xe7rbpack\n";
constexpr std::string_view kPackSuffix = ".pack";
constexpr std::size_t kHashedHeaderBytes = kPackHeaderBytes - Digest::kSize;
constexpr std::size_t kNumberDigitsMin = 8;

// Offsets in a record's header.
constexpr std::size_t kPlainBytes = 24;  // magic, lengths, owner: what the header's check covers
constexpr std::size_t kHeaderCheckBytes = 8;
constexpr std::size_t kChecksumOffset = kPlainBytes + kHeaderCheckBytes;
static_assert(kChecksumOffset + Digest::kSize == kPackRecordHeaderBytes);
// The block's own checksum, at its end: BLAKE3 over the rest, so a hash over it is one over the block.
constexpr std::size_t kBlockTailBytes = 32;
static_assert(kMaxBlockBytes <= UINT32_MAX);

Digest place_hash(const PackPosition& at, const HashKey& key, std::initializer_list<ByteView> parts) {
  std::array<std::uint8_t, 16> place;
  std::memcpy(place.data(), &at.pack, 8);
  std::memcpy(place.data() + 8, &at.offset, 8);
  Hasher hasher(key);
  hasher.update(place);
  for (const ByteView part : parts)
    hasher.update(part);
  return hasher.digest();
}

// 8 bytes are enough to keep searches through hostile contents cheap; the checksum over all decides.
void header_check(ByteView plain, const PackPosition& at, const HashKey& key, std::uint8_t* out) {
  const Digest digest = place_hash(at, key, {plain});
  std::copy_n(digest.bytes.begin(), kHeaderCheckBytes, out);
}

Digest record_checksum(ByteView front, ByteView block, const PackPosition& at, const HashKey& key) {
  return place_hash(
      at, key,
      {front.first(kChecksumOffset), front.subspan(kPackRecordHeaderBytes), block.last(kBlockTailBytes)});
}

ByteView piece(ByteView block, std::size_t index) {
  const std::size_t begin = index * kPackPieceBytes;
  return block.subspan(begin, std::min(kPackPieceBytes, block.size() - begin));
}

// "2, 5-7, 9"; the first few, as there may be thousands.
std::string name_ranges(const std::vector<std::size_t>& sorted) {
  std::string text;
  int ranges = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t j = i;
    while (j + 1 < sorted.size() && sorted[j + 1] == sorted[j] + 1)
      ++j;
    if (++ranges > 8) return text + " ...";
    text += fmt::format("{}{}", i == 0 ? "" : ", ", sorted[i]);
    if (j > i) text += fmt::format("-{}", sorted[j]);
    i = j + 1;
  }
  return text;
}

std::vector<std::size_t> damaged_pieces(ByteView table, ByteView block) {
  std::vector<std::size_t> damaged;
  ByteReader crcs(table);
  for (std::size_t i = 0; crcs.remaining() >= 4; ++i) {
    if (crcs.u32() != crc32c(piece(block, i))) damaged.push_back(i);
  }
  return damaged;
}

}  // namespace

std::string pack_file_name(std::uint64_t number) {
  return fmt::format("{:08x}{}", number, kPackSuffix);
}

std::optional<std::uint64_t> pack_number_of(std::string_view file_name) {
  if (!file_name.ends_with(kPackSuffix)) return std::nullopt;
  const std::string_view digits = file_name.substr(0, file_name.size() - kPackSuffix.size());
  if (digits.size() < kNumberDigitsMin || digits.size() > 16) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : digits) {
    const bool decimal = c >= '0' && c <= '9';
    if (!decimal && (c < 'a' || c > 'f')) return std::nullopt;
    number = number << 4 | static_cast<std::uint64_t>(decimal ? c - '0' : c - 'a' + 10);
  }
  // One number has one name: no zeros in front of a long one, and there is no pack 0.
  if (number == 0 || pack_file_name(number) != file_name) return std::nullopt;
  return number;
}

Bytes encode_pack_header(const PackHeader& header) {
  Bytes out;
  out.reserve(kPackHeaderBytes);
  ByteWriter w(out);
  w.bytes(as_bytes(kPackMagic));
  w.u32(kPackVersion);
  w.u32(static_cast<std::uint32_t>(header.writer));
  w.bytes(header.repository.view());
  w.u64(header.number);
  w.u64(header.collections_begun);
  w.bytes(hash(out).view());
  RB_ASSERT(out.size() == kPackHeaderBytes);
  return out;
}

Result<PackHeader> decode_pack_header(ByteView bytes) {
  if (bytes.size() < kPackHeaderBytes) return fail(Errc::corrupt, "a pack's header is cut short");
  const ByteView hashed = bytes.first(kHashedHeaderBytes);
  ByteReader r(bytes.first(kPackHeaderBytes));
  if (as_text(r.bytes(kPackMagic.size())) != kPackMagic) {
    return fail(Errc::corrupt, "not a pack: wrong first bytes");
  }
  const std::uint32_t version = r.u32();
  const std::uint32_t writer = r.u32();
  PackHeader header;
  header.repository = r.id<RepositoryId>();
  header.number = r.u64();
  header.collections_begun = r.u64();
  if (r.id<Digest>() != hash(hashed)) return fail(Errc::corrupt, "a pack's header is damaged");
  if (version != kPackVersion) return fail_version("the pack", version, kPackVersion);
  if (writer > static_cast<std::uint32_t>(PackWriter::collector))
    return fail(Errc::unsupported, fmt::format("a pack's writer {} is not known to this program", writer));
  header.writer = static_cast<PackWriter>(writer);
  if (header.number == 0) return fail(Errc::corrupt, "a pack's header has no number");
  return header;
}

std::size_t PackRecordHeader::record_bytes() const {
  return (block_offset() + block_bytes + kPackAlignment - 1) / kPackAlignment * kPackAlignment;
}

std::size_t pack_record_bytes(std::size_t block_bytes) {
  return PackRecordHeader{.block_bytes = static_cast<std::uint32_t>(block_bytes)}.record_bytes();
}

std::size_t pack_record_bytes_max() {
  return pack_record_bytes(kMaxBlockBytes);
}

bool valid_block_bytes(std::size_t block_bytes) {
  return block_bytes >= kBlockTailBytes && block_bytes <= kMaxBlockBytes;
}

void encode_pack_record(const PackRecordOwner& owner, ByteView block, const PackPosition& at,
                        const HashKey& record_key, std::span<std::uint8_t> record) {
  RB_ASSERT(valid_block_bytes(block.size()) && record.size() == pack_record_bytes(block.size()));
  const PackRecordHeader header{.owner = owner, .block_bytes = static_cast<std::uint32_t>(block.size())};
  std::uint8_t* const out = record.data();
  const std::uint32_t fields[4] = {header.block_bytes, owner.domain, owner.node, 0};
  std::memcpy(out, kPackRecordMagic.data(), kPackRecordMagic.size());
  std::memcpy(out + kPackRecordMagic.size(), fields, sizeof fields);
  for (std::size_t i = 0; i < header.piece_count(); ++i) {
    const std::uint32_t crc = crc32c(piece(block, i));
    std::memcpy(out + kPackRecordHeaderBytes + 4 * i, &crc, 4);
  }
  std::memcpy(out + header.block_offset(), block.data(), block.size());
  const std::size_t used_bytes = header.block_offset() + block.size();
  std::memset(out + used_bytes, 0, record.size() - used_bytes);
  place_pack_record(record, at, record_key);
}

void place_pack_record(std::span<std::uint8_t> record, const PackPosition& at, const HashKey& record_key) {
  PackRecordHeader header;
  std::memcpy(&header.block_bytes, record.data() + kPackRecordMagic.size(), 4);
  RB_ASSERT(at.offset % kPackAlignment == 0 && record.size() == header.record_bytes());
  header_check(record.first(kPlainBytes), at, record_key, record.data() + kPlainBytes);
  const Digest checksum =
      record_checksum(record.first(header.block_offset()),
                      record.subspan(header.block_offset(), header.block_bytes), at, record_key);
  std::copy(checksum.bytes.begin(), checksum.bytes.end(), record.begin() + kChecksumOffset);
}

std::optional<PackRecordHeader> decode_pack_record_header(ByteView bytes, const PackPosition& at,
                                                          const HashKey& record_key) {
  if (bytes.size() < kPackRecordHeaderBytes) return std::nullopt;
  ByteReader r(bytes);
  if (as_text(r.bytes(kPackRecordMagic.size())) != kPackRecordMagic) return std::nullopt;
  PackRecordHeader header;
  header.block_bytes = r.u32();
  header.owner.domain = r.u32();
  header.owner.node = r.u32();
  const std::uint32_t reserved = r.u32();
  if (reserved != 0 || !valid_block_bytes(header.block_bytes)) return std::nullopt;
  std::array<std::uint8_t, kHeaderCheckBytes> check;
  header_check(bytes.first(kPlainBytes), at, record_key, check.data());
  if (!std::ranges::equal(check, r.bytes(kHeaderCheckBytes))) return std::nullopt;
  return header;
}

Status check_pack_record(ByteView front, ByteView block, const PackPosition& at, const HashKey& record_key) {
  const PackRecordHeader header{.block_bytes = static_cast<std::uint32_t>(block.size())};
  RB_ASSERT(valid_block_bytes(block.size()) && front.size() == header.block_offset());
  const std::vector<std::size_t> damaged = damaged_pieces(front.subspan(kPackRecordHeaderBytes), block);
  const bool genuine = ByteReader(front.subspan(kChecksumOffset)).id<Digest>() ==
                       record_checksum(front, block, at, record_key);
  if (damaged.empty() && genuine) return {};
  const std::string where = fmt::format("record at {} of pack {:08x}", at.offset, at.pack);
  if (damaged.empty()) return fail(Errc::corrupt, fmt::format("{}: its header is damaged", where));
  return fail(Errc::corrupt, fmt::format("{}: damaged in the 4 KiB pieces {} of {}", where,
                                         name_ranges(damaged), header.piece_count()));
}

}  // namespace rb
