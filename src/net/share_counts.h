// How many connections each share has. On the I/O thread only.
#pragma once

#include <cstdint>
#include <unordered_map>

namespace rb::net {

class ShareCounts {
 public:
  explicit ShareCounts(std::size_t max_of_one) : max_of_one_(max_of_one) {}

  // False when the share has its maximum already.
  bool enter(std::uint64_t share) {
    std::size_t& count = counts_[share];
    if (count >= max_of_one_) {
      if (count == 0) counts_.erase(share);
      return false;
    }
    count++;
    return true;
  }
  void leave(std::uint64_t share) {
    const auto at = counts_.find(share);
    if (--at->second == 0) counts_.erase(at);
  }
  std::size_t shares() const { return counts_.size(); }

 private:
  const std::size_t max_of_one_;
  std::unordered_map<std::uint64_t, std::size_t> counts_;
};

}  // namespace rb::net
