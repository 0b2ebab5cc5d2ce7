#include "format/chunk_params.h"

#include <bit>

#include "base/limits.h"

namespace rb {

Status check_chunk_params(const ChunkParams& params) {
  if (params.algorithm != 1 && params.algorithm != 2)
    return fail(Errc::unsupported, "unknown algorithm for cutting files");
  if (params.min_bytes < 256 || params.min_bytes >= params.average_bytes ||
      params.average_bytes >= params.max_bytes || params.max_bytes > kMaxChunkBytes ||
      !std::has_single_bit(params.average_bytes)) {
    return fail(Errc::invalid_argument, "impossible chunk sizes");
  }
  return {};
}

}  // namespace rb
