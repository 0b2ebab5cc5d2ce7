// A few objects of a block, for readers whom the others would only cost bandwidth.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "chunk/block_codec.h"

namespace rb {

// Blocks that hold these objects of the block and no others, packed lightly: they are read once. Nothing
// where that would spare little: they are half of it or more. Requires: the block has them all. What is
// taken out was checked as BlockReader::open() does; ids are not recomputed.
Result<std::optional<std::vector<Bytes>>> excerpt(ByteView block, std::span<const ObjectId> ids);

}  // namespace rb
