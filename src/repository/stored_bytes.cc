#include "repository/stored_bytes.h"

namespace rb {

void StoredBytes::add(std::uint64_t ticket, std::uint64_t pack, std::uint32_t node, std::uint64_t bytes) {
  entries_.emplace(ticket, Entry{pack, node, bytes});
  pending_[node] += bytes;
}

void StoredBytes::drop_after(std::uint64_t ticket) {
  const auto first = entries_.upper_bound(ticket);
  for (auto entry = first; entry != entries_.end(); ++entry)
    pending_[entry->second.node] -= entry->second.bytes;
  entries_.erase(first, entries_.end());
}

std::uint64_t StoredBytes::of(std::uint32_t node) const {
  const auto in = [node](const ByNode& sums) {
    const auto found = sums.find(node);
    return found == sums.end() ? 0 : found->second;
  };
  return in(moved_) + in(pending_);
}

StoredBytes::ByNode StoredBytes::up_to(std::uint64_t ticket) const {
  ByNode sums = moved_;
  for (auto entry = entries_.begin(); entry != entries_.upper_bound(ticket); ++entry)
    sums[entry->second.node] += entry->second.bytes;
  return sums;
}

StoredBytes::ByPack StoredBytes::packs_up_to(std::uint64_t ticket) const {
  ByPack sums;
  for (auto entry = entries_.begin(); entry != entries_.upper_bound(ticket); ++entry) {
    const auto [pack, is_new] = sums.try_emplace(entry->second.pack);
    if (const auto known = packs_.find(pack->first); is_new && known != packs_.end())
      pack->second = known->second;
    pack->second[entry->second.node] += entry->second.bytes;
  }
  return sums;
}

void StoredBytes::moved(std::uint64_t ticket) {
  const ByPack grown = packs_up_to(ticket);
  for (const auto& [pack, sums] : grown)
    packs_[pack] = sums;
  // Those before it get no more.
  if (!grown.empty()) packs_.erase(packs_.begin(), packs_.find(grown.rbegin()->first));
  const auto end = entries_.upper_bound(ticket);
  for (auto entry = entries_.begin(); entry != end; ++entry) {
    moved_[entry->second.node] += entry->second.bytes;
    pending_[entry->second.node] -= entry->second.bytes;
  }
  entries_.erase(entries_.begin(), end);
}

}  // namespace rb
