#include "repository/parity_writer.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/crc32c.h"
#include "base/erasure_code.h"
#include "base/hash.h"

namespace rb {

namespace {

constexpr std::uint64_t kGroupBytes = 8 << 20;
// So much of every parity row is in the processor's cache while the rows of a group are added to it.
constexpr std::size_t kSliceBytes = 16 << 10;

class ParityBuilder {
 public:
  ParityBuilder(const ParityOwner& owner, const ParityLayout& layout)
      : layout_(layout), code_(layout.data_rows(), layout.parity_rows), file_(layout.file_bytes()) {
    index_.owner = owner;
    index_.layout = layout;
  }

  Status read(const File& pack) {
    const std::uint64_t row_bytes = layout_.row_bytes();
    const auto rows = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(kGroupBytes / row_bytes, 1, layout_.data_rows()));
    Bytes group(rows * row_bytes);
    for (std::uint32_t row = 0; row < layout_.data_rows(); row += rows) {
      const std::uint64_t at = row * row_bytes;
      const auto length =
          static_cast<std::size_t>(std::min<std::uint64_t>(group.size(), layout_.pack_bytes - at));
      RB_TRY(const std::size_t got, pack.read_at(at, std::span(group).first(length)));
      if (got != length) return fail(Errc::io, "the pack became shorter while it was read");
      std::ranges::fill(std::span(group).subspan(length), 0);
      pack_hasher_.update(ByteView(group).first(length));
      add_crcs(
          ByteView(group).first((length + kParitySectorBytes - 1) / kParitySectorBytes * kParitySectorBytes));
      add_rows(row, group);
    }
    return {};
  }

  ByteView finish() {
    index_.pack_digest = pack_hasher_.digest();
    for (std::uint32_t i = 0; i < layout_.parity_sectors(); ++i)
      index_.parity_crcs.push_back(
          crc32c(ByteView(file_).subspan(layout_.parity_offset(i), kParitySectorBytes)));
    encode_parity_index(index_, file_);
    return file_;
  }

 private:
  void add_crcs(ByteView sectors) {
    for (; !sectors.empty(); sectors = sectors.subspan(kParitySectorBytes))
      index_.sector_crcs.push_back(crc32c(sectors.first(kParitySectorBytes)));
  }

  // Rows of zeros behind the last one change nothing, and are left out.
  void add_rows(std::uint32_t first_row, ByteView group) {
    const std::size_t row_bytes = layout_.row_bytes();
    const std::size_t rows = std::min<std::size_t>(group.size() / row_bytes, layout_.data_rows() - first_row);
    for (std::size_t at = 0; at < row_bytes; at += kSliceBytes) {
      const std::size_t length = std::min(kSliceBytes, row_bytes - at);
      const std::vector<std::uint8_t*> parity = parity_from(at);
      for (std::size_t i = 0; i < rows; ++i) {
        code_.add(first_row + static_cast<unsigned>(i), group.subspan(i * row_bytes + at, length), parity);
      }
    }
  }

  std::vector<std::uint8_t*> parity_from(std::size_t offset_in_row) {
    std::vector<std::uint8_t*> rows;
    for (std::uint32_t j = 0; j < layout_.parity_rows; ++j)
      rows.push_back(file_.data() + layout_.parity_offset(layout_.sector(j, 0)) + offset_in_row);
    return rows;
  }

  const ParityLayout layout_;
  const ErasureCode code_;
  Bytes file_;  // the parity is made where it belongs
  ParityIndex index_;
  Hasher pack_hasher_;
};

}  // namespace

Status write_pack_parity(FileSystem& fs, const std::string& pack_path, const std::string& parity_path,
                         const ParityOwner& owner, unsigned percent) {
  RB_TRY(const auto pack, fs.open(pack_path, OpenMode::read));
  RB_TRY(const std::uint64_t bytes, pack->size());
  if (bytes == 0 || bytes > kParityPackBytesMax) {
    return fail(Errc::unsupported,
                fmt::format("{} has {} bytes: no parity can be made of it", pack_path, bytes));
  }
  ParityBuilder builder(owner, plan_parity_layout(bytes, percent));
  if (const Status read = builder.read(*pack); !read) return std::unexpected(read.error().with(pack_path));
  return write_file_atomically(fs, parity_path, builder.finish());
}

}  // namespace rb
