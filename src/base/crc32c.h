// CRC-32C (Castagnoli), as iSCSI and ext4 use it: the check of "123456789" is 0xe3069283. Locates damage,
// proves nothing.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace rb {

std::uint32_t crc32c(ByteView bytes);

}  // namespace rb
