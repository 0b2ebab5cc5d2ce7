#include "format/pack_parity.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "base/erasure_code.h"
#include "base/hash.h"
#include "format/pack_format.h"
#include "format/version.h"

namespace rb {

namespace {

// "\xe7rbpar\r\n", for the same reasons as the magics of packs.
constexpr std::string_view kMagic = "\xe7rbpar\r\n";
constexpr std::string_view kSuffix = ".parity";
constexpr std::size_t kHeaderBytes = 88;
constexpr std::size_t kPageContentBytes = kParitySectorBytes - 4;
constexpr std::uint32_t kDataRowsTarget = 100;
constexpr std::uint32_t kLoneStripeParityRowsMin = 2;

template <typename T>
T divide_up(T a, T b) {
  return (a + b - 1) / b;
}

// The page's number and whose it is are checked, not stored.
std::uint32_t page_check(const ParityOwner& owner, std::uint32_t page, ByteView content) {
  Bytes checked;
  checked.reserve(kParitySectorBytes + 32);
  ByteWriter w(checked);
  w.bytes(owner.repository.view());
  w.u64(owner.pack);
  w.u32(page);
  w.bytes(content);
  return crc32c(checked);
}

Bytes index_of(const ParityIndex& index) {
  Bytes out;
  out.reserve(index.layout.index_bytes());
  ByteWriter w(out);
  w.bytes(as_bytes(kMagic));
  w.u32(kPackParityVersion);
  w.u32(index.layout.parity_rows);
  w.bytes(index.owner.repository.view());
  w.u64(index.owner.pack);
  w.u64(index.layout.pack_bytes);
  w.u32(index.layout.stripes);
  w.u32(0);
  w.bytes(index.pack_digest.view());
  RB_ASSERT(out.size() == kHeaderBytes);
  for (const std::uint32_t crc : index.sector_crcs)
    w.u32(crc);
  for (const std::uint32_t crc : index.parity_crcs)
    w.u32(crc);
  w.bytes(hash(out).view());
  return out;
}

// Of the first page; tables are left empty.
Result<ParityIndex> decode_header(ByteView content) {
  ByteReader r(content);
  if (as_text(r.bytes(kMagic.size())) != kMagic) {
    return fail(Errc::corrupt, "not the parity of a pack: wrong first bytes");
  }
  if (const std::uint32_t version = r.u32(); version != kPackParityVersion) {
    return fail_version("the parity", version, kPackParityVersion);
  }
  ParityIndex index;
  index.layout.parity_rows = r.u32();
  index.owner.repository = r.id<RepositoryId>();
  index.owner.pack = r.u64();
  index.layout.pack_bytes = r.u64();
  index.layout.stripes = r.u32();
  const std::uint32_t reserved = r.u32();
  index.pack_digest = r.id<Digest>();
  if (reserved != 0 || !valid_parity_layout(index.layout)) {
    return fail(Errc::corrupt, "a parity file's header makes no sense");
  }
  return index;
}

class IndexDecoder {
 public:
  IndexDecoder(const ParityOwner& owner, std::uint64_t file_bytes, const ParityPageReader& read_page)
      : owner_(owner), file_bytes_(file_bytes), read_page_(read_page) {}

  Result<DecodedParityIndex> run() {
    Error why(Errc::corrupt,
              "both copies of a parity file's first page are damaged, or it is another pack's");
    for (const std::uint64_t offset : {std::uint64_t{0}, last_page()}) {
      const auto first = page_at(offset, 0);
      if (!first) continue;
      auto decoded = decode_from(*first);
      if (decoded) return decoded;
      why = decoded.error();
    }
    return std::unexpected(why);
  }

 private:
  std::uint64_t last_page() const {
    const std::uint64_t pages = file_bytes_ / kParitySectorBytes;
    return pages == 0 ? 0 : (pages - 1) * kParitySectorBytes;
  }

  std::optional<Bytes> page_at(std::uint64_t offset, std::uint32_t page) const {
    if (file_bytes_ < kParitySectorBytes || offset > file_bytes_ - kParitySectorBytes) return std::nullopt;
    const auto bytes = read_page_(offset);
    if (!bytes || bytes->size() != kParitySectorBytes) return std::nullopt;
    const ByteView content = bytes->first(kPageContentBytes);
    if (ByteReader(bytes->last(4)).u32() != page_check(owner_, page, content)) return std::nullopt;
    return Bytes(content.begin(), content.end());
  }

  Result<DecodedParityIndex> decode_from(ByteView first_page) const {
    RB_TRY(ParityIndex index, decode_header(first_page));
    if (index.owner != owner_) return fail(Errc::corrupt, "a parity file belongs to another pack");
    // A page needs a place in at least one copy.
    if (index.layout.index_pages() > file_bytes_ / kParitySectorBytes) {
      return fail(Errc::corrupt, "a parity file is cut short");
    }
    DecodedParityIndex decoded;
    RB_TRY(const Bytes content, read_pages(index.layout, decoded.damaged_pages));
    RB_TRY(decode_tables(content, index));
    decoded.index = std::move(index);
    return decoded;
  }

  // The index, and what its last page is filled up with.
  Result<Bytes> read_pages(const ParityLayout& layout, std::size_t& damaged) const {
    Bytes content;
    content.reserve(layout.index_pages() * kPageContentBytes);
    for (std::uint32_t page = 0; page < layout.index_pages(); ++page) {
      auto one = page_at(layout.page_offset(0, page), page);
      const auto other = page_at(layout.page_offset(1, page), page);
      damaged += (one ? 0u : 1u) + (other ? 0u : 1u);
      if (!one && !other) {
        return fail(Errc::corrupt,
                    fmt::format("page {} of a parity file's index is lost in both copies", page));
      }
      append(content, one ? *one : *other);
    }
    return content;
  }

  static Status decode_tables(ByteView content, ParityIndex& index) {
    const std::size_t index_bytes = index.layout.index_bytes();
    const ByteView hashed = content.first(index_bytes - Digest::kSize);
    ByteReader r(content);
    (void)r.bytes(kHeaderBytes);
    index.sector_crcs.resize(index.layout.sectors());
    index.parity_crcs.resize(index.layout.parity_sectors());
    for (std::uint32_t& crc : index.sector_crcs)
      crc = r.u32();
    for (std::uint32_t& crc : index.parity_crcs)
      crc = r.u32();
    const bool genuine = r.id<Digest>() == hash(hashed);
    const bool padded = std::ranges::all_of(content.subspan(index_bytes), [](auto b) { return b == 0; });
    if (!genuine || !padded) return fail(Errc::corrupt, "a parity file's index is damaged");
    return {};
  }

  const ParityOwner& owner_;
  const std::uint64_t file_bytes_;
  const ParityPageReader& read_page_;
};

}  // namespace

std::string pack_parity_file_name(std::uint64_t pack) {
  std::string name = pack_file_name(pack);
  return name.substr(0, name.rfind('.')).append(kSuffix);
}

std::optional<std::uint64_t> pack_parity_number_of(std::string_view file_name) {
  if (!file_name.ends_with(kSuffix)) return std::nullopt;
  return pack_number_of(std::string(file_name.substr(0, file_name.size() - kSuffix.size())) + ".pack");
}

std::uint32_t ParityLayout::sectors() const {
  return static_cast<std::uint32_t>(divide_up<std::uint64_t>(pack_bytes, kParitySectorBytes));
}

std::uint32_t ParityLayout::data_rows() const {
  return divide_up(sectors(), stripes);
}

std::uint64_t ParityLayout::index_bytes() const {
  return kHeaderBytes + 4 * (std::uint64_t{sectors()} + parity_sectors()) + Digest::kSize;
}

std::uint32_t ParityLayout::index_pages() const {
  return static_cast<std::uint32_t>(divide_up<std::uint64_t>(index_bytes(), kPageContentBytes));
}

std::uint64_t ParityLayout::page_offset(unsigned copy, std::uint32_t page) const {
  const std::uint64_t distance = std::uint64_t{page} * kParitySectorBytes;
  return copy == 0 ? distance : file_bytes() - kParitySectorBytes - distance;
}

std::uint64_t ParityLayout::parity_offset(std::uint32_t parity_sector) const {
  return (std::uint64_t{index_pages()} + parity_sector) * kParitySectorBytes;
}

std::uint64_t ParityLayout::file_bytes() const {
  return (2 * std::uint64_t{index_pages()} + parity_sectors()) * kParitySectorBytes;
}

bool valid_parity_layout(const ParityLayout& layout) {
  if (layout.pack_bytes == 0 || layout.pack_bytes > kParityPackBytesMax) return false;
  if (layout.stripes == 0 || layout.stripes > layout.sectors()) return false;
  if (layout.parity_rows == 0 || layout.parity_rows > kErasureRowsMax) return false;
  return layout.data_rows() + layout.parity_rows <= kErasureRowsMax;
}

ParityLayout plan_parity_layout(std::uint64_t pack_bytes, unsigned percent) {
  RB_ASSERT(pack_bytes > 0 && pack_bytes <= kParityPackBytesMax);
  RB_ASSERT(percent >= kParityPercentMin && percent <= kParityPercentMax);
  ParityLayout layout{.pack_bytes = pack_bytes};
  // As few stripes as keep to the number of rows, then as few rows as hold everything.
  layout.stripes = divide_up(layout.sectors(), kDataRowsTarget);
  layout.parity_rows = divide_up(layout.data_rows() * percent, 100u);
  if (layout.stripes == 1) layout.parity_rows = std::max(layout.parity_rows, kLoneStripeParityRowsMin);
  RB_ASSERT(valid_parity_layout(layout));
  return layout;
}

void encode_parity_index(const ParityIndex& index, std::span<std::uint8_t> file) {
  const ParityLayout& layout = index.layout;
  RB_ASSERT(valid_parity_layout(layout) && file.size() == layout.file_bytes());
  RB_ASSERT(index.sector_crcs.size() == layout.sectors());
  RB_ASSERT(index.parity_crcs.size() == layout.parity_sectors());
  Bytes content = index_of(index);
  content.resize(layout.index_pages() * kPageContentBytes);
  for (std::uint32_t page = 0; page < layout.index_pages(); ++page) {
    const ByteView piece = ByteView(content).subspan(page * kPageContentBytes, kPageContentBytes);
    const std::uint32_t check = page_check(index.owner, page, piece);
    for (const unsigned copy : {0u, 1u}) {
      std::uint8_t* const to = file.data() + layout.page_offset(copy, page);
      std::ranges::copy(piece, to);
      std::memcpy(to + kPageContentBytes, &check, sizeof check);
    }
  }
}

Result<DecodedParityIndex> decode_parity_index(const ParityOwner& owner, std::uint64_t file_bytes,
                                               const ParityPageReader& read_page) {
  return IndexDecoder(owner, file_bytes, read_page).run();
}

}  // namespace rb
