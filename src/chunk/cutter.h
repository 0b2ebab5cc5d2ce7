// Decides where one file is cut into chunks. The same bytes are cut at the same places whatever stands before
// them, so an insertion changes one or two chunks, not the rest of the file. Knows nothing of hashing, stores
// or the network.
//
// FastCDC (Xia et al., USENIX ATC 2016) with normalised chunking, after Gear hashing with a table drawn from
// the domain's key.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "format/chunk_params.h"

namespace rb {

// Immutable once made: one may serve all threads.
class Cutter {
 public:
  // Requires: check_chunk_params(params).
  explicit Cutter(const ChunkParams& params);

  // The length of the first chunk of `data`, which begins at a cut. The answer depends only on data up to
  // that cut. When data is shorter than max_bytes() and no cut is found, gives data.size(): the caller then
  // either has the end of the file, or must call again with more data. Requires: !data.empty().
  std::size_t next_cut(ByteView data) const;

  std::size_t min_bytes() const { return min_; }
  std::size_t max_bytes() const { return max_; }

 private:
  std::size_t min_, normal_, max_;  // normal_: where cuts become likelier
  std::uint64_t mask_small_, mask_large_;
  std::array<std::uint64_t, 256> gear_;
};

}  // namespace rb
