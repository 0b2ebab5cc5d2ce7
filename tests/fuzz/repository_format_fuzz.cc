// The input is the marker file without its checksum, which is put behind it.
// Layers: base format
#include "format/repository_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rb;
  (void)decode_repository_format({data, size});
  Bytes bytes(data, data + size);
  append(bytes, hash(bytes).view());
  const Result<RepositoryFormat> format = decode_repository_format(bytes);
  RB_ASSERT(!format || encode_repository_format(*format) == bytes);
  return 0;
}
