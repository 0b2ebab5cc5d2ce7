// The input is a parity file of pack 3; its index is decoded as it is, and again with the checks of its first
// copy put right, or nothing would get further. Layers: base format
#include <algorithm>
#include <cstring>

#include "base/byte_codec.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "format/pack_parity.h"

namespace {

using namespace rb;

const ParityOwner kOwner{.repository = {}, .pack = 3};
constexpr std::size_t kContentBytes = kParitySectorBytes - 4;
constexpr std::size_t kHeaderBytes = 88;

void decode(ByteView file) {
  const auto decoded =
      decode_parity_index(kOwner, file.size(), [&](std::uint64_t offset) -> std::optional<ByteView> {
        RB_ASSERT(offset <= file.size() && file.size() - offset >= kParitySectorBytes);
        return file.subspan(offset, kParitySectorBytes);
      });
  if (!decoded) return;
  // What was believed is what a writer makes.
  const ParityIndex& index = decoded->index;
  RB_ASSERT(index.owner == kOwner && valid_parity_layout(index.layout));
  if (index.layout.file_bytes() > (1 << 20)) return;
  Bytes written(index.layout.file_bytes());
  encode_parity_index(index, written);
  for (std::uint32_t page = 0; page < index.layout.index_pages(); ++page) {
    const auto same_as = [&](unsigned copy) {
      const std::uint64_t at = index.layout.page_offset(copy, page);
      return at + kParitySectorBytes <= file.size() &&
             std::ranges::equal(ByteView(written).subspan(at, kParitySectorBytes),
                                file.subspan(at, kParitySectorBytes));
    };
    RB_ASSERT(same_as(0) || same_as(1));
  }
}

// The digest and the pages' checks of the first copy, if it fits into one page; of longer ones the checks.
void put_right(Bytes& file) {
  ByteReader header(file);
  (void)header.bytes(12);
  ParityLayout layout;
  layout.parity_rows = header.u32();
  (void)header.bytes(RepositoryId::kSize + 8);
  layout.pack_bytes = header.u64();
  layout.stripes = header.u32();
  if (!header.ok() || file.size() < kHeaderBytes || !valid_parity_layout(layout)) return;
  const std::uint64_t digest_at = layout.index_bytes() - Digest::kSize;
  if (layout.index_pages() == 1) {
    const Digest digest = hash(ByteView(file).first(std::min<std::size_t>(digest_at, file.size())));
    if (digest_at + Digest::kSize <= file.size()) {
      std::memcpy(file.data() + digest_at, digest.bytes.data(), Digest::kSize);
    }
  }
  for (std::uint32_t page = 0; (page + 1) * kParitySectorBytes <= file.size(); ++page) {
    Bytes checked;
    ByteWriter w(checked);
    w.bytes(kOwner.repository.view());
    w.u64(kOwner.pack);
    w.u32(page);
    w.bytes(ByteView(file).subspan(page * kParitySectorBytes, kContentBytes));
    const std::uint32_t check = crc32c(checked);
    std::memcpy(file.data() + page * kParitySectorBytes + kContentBytes, &check, sizeof check);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  decode({data, size});
  Bytes file(data, data + size);
  if (file.size() < kParitySectorBytes) file.resize(kParitySectorBytes);
  put_right(file);
  decode(file);
  return 0;
}
