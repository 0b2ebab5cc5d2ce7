#include "repository/lenient_read.h"

#include <algorithm>

#include "base/log.h"

namespace rb {

namespace {
// What an unreadable place costs: a disk's physical sector.
constexpr std::size_t kUnreadablePieceBytes = 4096;
}  // namespace

void read_leniently(const File& file, std::uint64_t offset, std::span<std::uint8_t> out) {
  const Result<std::size_t> got = file.read_at(offset, out);
  if (got) {
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(*got), out.end(), 0);
  } else if (out.size() > kUnreadablePieceBytes) {
    for (std::size_t at = 0; at < out.size(); at += kUnreadablePieceBytes)
      read_leniently(file, offset + at, out.subspan(at, std::min(kUnreadablePieceBytes, out.size() - at)));
  } else {
    log(LogLevel::error, "skipping {} bytes at {}: {}", out.size(), offset, got.error().message);
    std::fill(out.begin(), out.end(), 0);
  }
}

}  // namespace rb
