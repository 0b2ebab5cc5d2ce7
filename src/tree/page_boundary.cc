#include "tree/page_boundary.h"

#include <algorithm>

#include "base/limits.h"

namespace rb {
namespace {

// Two lengths or counts at their longest.
constexpr std::size_t kChildFixedWeight = 20 + ObjectId::kSize;

// Every reference weighs its 32 bytes at least.
constexpr std::size_t kMaxEntryRefs = kMaxObjectRefs - kPageWeightClose / ObjectId::kSize;

static_assert(kPageWeightClose + kMaxEntryBytes < kMaxMetadataBytes, "a page closes before it is too large");
static_assert(kPageItemsMax <= kMaxPageItems);
// Two children at least, or a level of pages would not be smaller than the one below.
static_assert(kPageWeightClose > 2 * (kChildFixedWeight + kMaxNameBytes));

}  // namespace

bool is_boundary_name(std::string_view name, int level) {
  constexpr std::uint64_t kPrime = 0x100000001b3;
  std::uint64_t h = 0xcbf29ce484222325;
  h = (h ^ static_cast<std::uint8_t>(level)) * kPrime;
  for (const char c : name)
    h = (h ^ static_cast<std::uint8_t>(c)) * kPrime;
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccd;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53;
  h ^= h >> 33;
  static_assert(kBoundaryOdds == 1u << 5);
  return h >> (64 - 5) == 0;
}

std::size_t page_weight(const PageChild& child) {
  return child.first_name.size() + kChildFixedWeight;
}

Status check_entry_fits(const Entry& entry) {
  const auto chunks = std::count_if(entry.xattrs.begin(), entry.xattrs.end(),
                                    [](const Xattr& xattr) { return xattr.chunk.has_value(); });
  if (static_cast<std::size_t>(chunks) + 1 > kMaxEntryRefs) {
    return fail(Errc::invalid_argument, "an entry has more large extended attributes than a page can hold");
  }
  return {};
}

bool PageBoundary::add(std::string_view name, std::size_t weight) {
  ++items_;
  weight_ += weight;
  const bool closes = items_ >= kPageItemsMax || weight_ >= kPageWeightClose ||
                      (items_ >= kPageItemsMin && is_boundary_name(name, level_));
  if (closes) items_ = weight_ = 0;
  return closes;
}

}  // namespace rb
