// Which ids were seen, in bounded memory: a Bloom filter whose bits of one id lie in one cache line, so that
// a question costs a single miss. "No" is certain; "yes" is wrong for about one id in a hundred as long as
// there are no more of them than it was made for, and more often beyond that. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "repository/id_hash.h"

namespace rb {

class IdFilter {
 public:
  // At most kIdFilterBytesMax are taken, whatever is expected.
  explicit IdFilter(std::uint64_t expected_ids);
  void add(const DomainKey& key);
  bool may_contain(const DomainKey& key) const;
  std::size_t bytes() const { return lines_.size() * sizeof(Line); }

 private:
  struct alignas(64) Line {
    std::array<std::uint64_t, 8> words{};
  };
  std::size_t line_of(std::uint64_t hash) const;

  std::vector<Line> lines_;
};

// Enough for 50 million ids. With three times as many it still answers "no" for most of what is new.
inline constexpr std::size_t kIdFilterBytesMax = 64 << 20;

}  // namespace rb
