#include "gc/pack_usage.h"

namespace rb {

void PackUsage::count(const ObjectRow& row) {
  PackUse& use = packs_[row.at.pack];
  ++use.rows;
  use.bytes += row.share_bytes;
}

PackUse PackUsage::of(std::uint64_t pack) const {
  const auto found = packs_.find(pack);
  return found == packs_.end() ? PackUse{} : found->second;
}

}  // namespace rb
