// What the codecs of the catalog's rows share.
#pragma once

#include <optional>
#include <string>

#include "base/byte_codec.h"
#include "base/clock.h"
#include "base/error.h"

namespace rb::catalog_row {

inline constexpr std::size_t kUsualBytes = 128;

inline std::unexpected<Error> damaged(std::string_view what) {
  return fail(Errc::corrupt, "the catalog's row of " + std::string(what) + " makes no sense");
}

inline bool read_flag(ByteReader& r) {
  const std::uint8_t flag = r.u8();
  if (flag > 1) r.fail();
  return flag == 1;
}

}  // namespace rb::catalog_row
