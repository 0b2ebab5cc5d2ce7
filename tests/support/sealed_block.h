// Blocks with a checksum that matches whatever stands in them: what somebody who lies would send.
#pragma once

#include "base/hash.h"
#include "format/block.h"

namespace rb::test {

// `content`: a block without its checksum. As far as its header says where the body is, else over everything.
inline Bytes sealed_block(ByteView content) {
  const auto header = read_block_header(content);
  Hasher hasher;
  if (header && header->quick && header->body_offset() <= content.size()) {
    hasher.update(content.first(header->body_offset()));
    hasher.update(quick_hash(content.subspan(header->body_offset())));
  } else {
    hasher.update(content);
  }
  Bytes block(content.begin(), content.end());
  append(block, hasher.digest().view());
  return block;
}

}  // namespace rb::test
