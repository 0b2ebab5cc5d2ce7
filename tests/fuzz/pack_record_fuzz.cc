// The input is a pack's header without its checksum, or a record; where its lengths agree its keyed checks
// are put right, or nothing would get further. Layers: base format
#include <algorithm>

#include "base/hash.h"
#include "format/pack_format.h"

namespace {

using namespace rb;

void decode_header(ByteView bytes) {
  (void)decode_pack_header(bytes);
  Bytes header(bytes.begin(), bytes.end());
  append(header, hash(header).view());
  const Result<PackHeader> decoded = decode_pack_header(header);
  RB_ASSERT(!decoded ||
            encode_pack_header(*decoded) == Bytes(header.begin(), header.begin() + kPackHeaderBytes));
}

// Whether `record` is as long as its header says, so that it can be placed.
bool has_its_length(ByteView record) {
  if (record.size() < kPackRecordHeaderBytes) return false;
  PackRecordHeader header;
  std::memcpy(&header.block_bytes, record.data() + kPackRecordMagic.size(), 4);
  return valid_block_bytes(header.block_bytes) && header.record_bytes() == record.size();
}

void decode_record(ByteView bytes, const PackPosition& at, const HashKey& key) {
  const auto header = decode_pack_record_header(bytes, at, key);
  if (!header || bytes.size() < header->record_bytes()) return;
  const ByteView block = bytes.subspan(header->block_offset(), header->block_bytes);
  if (!check_pack_record(bytes.first(header->block_offset()), block, at, key)) return;
  Bytes again(pack_record_bytes(block.size()));
  encode_pack_record(header->owner, block, at, key, again);
  const std::size_t used_bytes = header->block_offset() + header->block_bytes;  // without the padding
  RB_ASSERT(std::ranges::equal(ByteView(again).first(used_bytes), bytes.first(used_bytes)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const PackPosition at{.pack = 3, .offset = 80};
  const HashKey key{};
  decode_header({data, size});
  (void)decode_pack_record_header({data, size}, at,
                                  HashKey{1});  // comparisons are traced: it may guess the check
  Bytes record(data, data + size);
  if (has_its_length(record)) place_pack_record(record, at, key);
  decode_record(record, at, key);
  return 0;
}
