// The input is a block without its checksum: the one that belongs there is put behind it, or nothing would
// get further. Layers: base format chunk
#include "base/limits.h"
#include "chunk/block_codec.h"
#include "chunk/block_salvage.h"
#include "chunk/excerpt.h"
#include "support/sealed_block.h"

namespace {

// Of whatever it is, nothing comes out that is not what its id says.
void salvage(rb::ByteView block) {
  for (const rb::SalvagedObject& one : rb::salvage_block(block, {}))
    RB_ASSERT(rb::object_id(one.object.object) == one.object.id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rb;
  (void)decode_block_directory({data, size});
  salvage({data, size});
  const Bytes block = test::sealed_block({data, size});
  const Result<BlockDirectory> directory = decode_block_directory(block);
  static BlockReader reader;
  const Status opened = reader.open(block);
  RB_ASSERT(directory || !opened);
  if (!directory) return 0;
  const ByteView body = ByteView(block).subspan(directory->body_offset, directory->body_bytes);
  // What was made earlier is read, and not made any more.
  RB_ASSERT(!read_block_header(block)->quick || encode_block(*directory, body) == block);
  RB_ASSERT(block_length(block) == block.size());
  if (!opened) return 0;
  std::vector<ByteView> payloads;
  std::size_t total = 0;
  for (std::size_t i = 0; i < reader.size(); ++i) {
    (void)reader.verify(i);
    payloads.push_back(reader.item(i).payload);
    total += payloads.back().size();
  }
  // As a server does for a reader, with contents that it never looked at before.
  const auto few = excerpt(block, std::span(&directory->objects.back().id, 1));
  RB_ASSERT(few && few->has_value() == (directory->objects.size() > 2));
  RB_ASSERT(payloads.size() == directory->objects.size() && total <= kMaxBlockRawBytes);
  RB_ASSERT(encode_block_body(payloads).size() == directory->raw_bytes);
  return 0;
}
