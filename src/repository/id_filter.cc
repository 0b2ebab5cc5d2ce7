#include "repository/id_filter.h"

#include <algorithm>

namespace rb {

namespace {

// About one wrong "yes" in a hundred.
constexpr std::uint64_t kBitsPerId = 10;
constexpr int kProbes = 6;  // 9 bits each of the hash's lower half; the upper half chooses the line
constexpr unsigned kProbeBits = 9;

// Calls `probe(word, mask)` for each bit of an id within its line.
template <typename Probe>
bool all_probes(std::uint64_t hash, Probe probe) {
  for (int i = 0; i < kProbes; ++i, hash >>= kProbeBits) {
    const std::size_t bit = hash & ((1u << kProbeBits) - 1);
    if (!probe(bit / 64, std::uint64_t{1} << (bit % 64))) return false;
  }
  return true;
}

// The upper half of the product chooses the line: spreads what the probes use of the hash anew.
std::uint64_t mixed(std::uint64_t hash) {
  return (hash ^ (hash >> 32)) * 0x9e3779b97f4a7c15ull;
}

}  // namespace

IdFilter::IdFilter(std::uint64_t expected_ids) {
  constexpr std::uint64_t kMaxLines = kIdFilterBytesMax / sizeof(Line);
  const std::uint64_t wanted = expected_ids / (sizeof(Line) * 8 / kBitsPerId) + 1;
  lines_.resize(static_cast<std::size_t>(std::min(wanted, kMaxLines)));
}

std::size_t IdFilter::line_of(std::uint64_t hash) const {
  return static_cast<std::size_t>(((mixed(hash) >> 32) * lines_.size()) >> 32);
}

void IdFilter::add(const DomainKey& key) {
  const std::uint64_t hash = DomainKeyHash()(key);
  Line& line = lines_[line_of(hash)];
  all_probes(hash, [&](std::size_t word, std::uint64_t mask) {
    line.words[word] |= mask;
    return true;
  });
}

bool IdFilter::may_contain(const DomainKey& key) const {
  const std::uint64_t hash = DomainKeyHash()(key);
  const Line& line = lines_[line_of(hash)];
  return all_probes(hash,
                    [&](std::size_t word, std::uint64_t mask) { return (line.words[word] & mask) != 0; });
}

}  // namespace rb
