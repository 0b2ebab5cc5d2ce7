#include "soak/damage.h"

#include <algorithm>

#include <fmt/format.h>

namespace rb::test {

namespace {
constexpr std::size_t kDiskSector = 512, kPageBytes = 4096;
constexpr std::size_t kRunMost = 12;  // pages; more than the parity of a small pack reaches
}  // namespace

void Damager::flip(Bytes& bytes, std::size_t begin, std::size_t end) {
  const std::size_t at = begin + below(end - begin);
  bytes[at] ^= static_cast<std::uint8_t>(1u << below(8));
  what_ += fmt::format("a bit at {}; ", at);
}

// As zeros, or as something else.
void Damager::overwrite(Bytes& bytes, std::size_t begin, std::size_t end) {
  const bool zeros = one_in(2);
  for (std::size_t i = begin; i < end; ++i)
    bytes[i] = zeros ? 0 : static_cast<std::uint8_t>(random_());
  what_ += fmt::format("{} from {} to {}; ", zeros ? "zeros" : "noise", begin, end);
}

Bytes Damager::attempt(const Bytes& whole) {
  Bytes bytes = whole;
  const std::size_t unit = one_in(2) ? kDiskSector : kPageBytes;
  const auto sector = [&] { return below((whole.size() + unit - 1) / unit) * unit; };
  const auto spoil = [&](std::size_t begin, std::size_t length) {
    overwrite(bytes, begin, std::min(whole.size(), begin + length));
  };
  switch (below(10)) {
    case 0:
    case 1:
    case 2:
      for (std::uint64_t i = below(3) + 1; i > 0; --i)
        flip(bytes, 0, bytes.size());
      break;
    case 3:
    case 4:
    case 5:
      spoil(sector(), unit);
      break;
    case 6:
      for (std::uint64_t i = below(6) + 1; i > 0; --i)
        spoil(sector(), unit);
      break;
    case 7:
      spoil(sector(), (1 + below(kRunMost)) * unit);
      break;
    case 8: {
      const std::size_t from = sector(), to = sector();
      const std::size_t length = std::min({unit, whole.size() - from, whole.size() - to});
      std::copy_n(whole.begin() + static_cast<std::ptrdiff_t>(from), length,
                  bytes.begin() + static_cast<std::ptrdiff_t>(to));
      what_ += fmt::format("{} bytes of {} at {}; ", length, from, to);
      break;
    }
    default:
      bytes.resize(one_in(3) ? below(whole.size()) : whole.size() - 1 - below(std::min(whole.size(), unit)));
      what_ += fmt::format("cut to {} of {}; ", bytes.size(), whole.size());
  }
  return bytes;
}

std::optional<Bytes> Damager::damage(const Bytes& whole) {
  what_.clear();
  if (one_in(40)) {
    what_ = "removed";
    return std::nullopt;
  }
  Bytes damaged = attempt(whole);
  while (damaged == whole)
    damaged = attempt(whole);
  return damaged;
}

Bytes Damager::damage_within(const Bytes& whole, std::size_t begin, std::size_t end) {
  what_.clear();
  Bytes damaged = whole;
  while (damaged == whole) {
    if (one_in(2)) {
      flip(damaged, begin, end);
    } else {
      overwrite(damaged, begin, end);
    }
  }
  return damaged;
}

}  // namespace rb::test
