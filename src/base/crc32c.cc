#include "base/crc32c.h"

#include <algorithm>

#include <isa-l/crc.h>

namespace rb {

std::uint32_t crc32c(ByteView bytes) {
  // ISA-L neither inverts the start value nor the result, and takes its length as an int.
  constexpr std::size_t kStepBytes = 1 << 30;
  std::uint32_t crc = 0xffffffff;
  while (!bytes.empty()) {
    const ByteView step = bytes.first(std::min(bytes.size(), kStepBytes));
    crc = ::crc32_iscsi(const_cast<unsigned char*>(step.data()), static_cast<int>(step.size()), crc);
    bytes = bytes.subspan(step.size());
  }
  return ~crc;
}

}  // namespace rb
