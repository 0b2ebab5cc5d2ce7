#include "repository/journal_chain.h"

#include <algorithm>

#include <fmt/format.h>

namespace rb {

namespace {

// A record of one number, and the copy it was found in.
struct Candidate {
  const JournalItem* item = nullptr;
  std::size_t copy = 0;
};

std::uint64_t last_sequence(const std::vector<JournalItem>& sorted) {
  return sorted.empty() ? 0 : sorted.back().sequence;
}

class Joiner {
 public:
  Joiner(std::array<std::vector<JournalItem>, 2>& copies, const ShortHash& root)
      : copies_(copies), hash_(root) {
    for (auto& items : copies_) {
      std::stable_sort(items.begin(), items.end(),
                       [](const JournalItem& a, const JournalItem& b) { return a.sequence < b.sequence; });
    }
    preferred_ = last_sequence(copies_[1]) > last_sequence(copies_[0]) ? 1 : 0;
  }

  JournalChain join() {
    while (take_next_candidates())
      choose();
    return std::move(chain_);
  }

 private:
  // All records, of both copies, with the lowest number not yet seen.
  bool take_next_candidates() {
    candidates_.clear();
    std::uint64_t lowest = UINT64_MAX;
    bool any = false;
    for (std::size_t c = 0; c < 2; ++c) {
      if (at_[c] == copies_[c].size()) continue;
      lowest = std::min(lowest, copies_[c][at_[c]].sequence);
      any = true;
    }
    for (const std::size_t c : {preferred_, 1 - preferred_}) {
      while (at_[c] < copies_[c].size() && copies_[c][at_[c]].sequence == lowest) {
        candidates_.push_back({.item = &copies_[c][at_[c]++], .copy = c});
      }
    }
    return any;
  }

  void choose() {
    const std::uint64_t sequence = candidates_.front().item->sequence;
    const auto fits = [&](const Candidate& c) { return c.item->predecessor == hash_; };
    const auto first = std::find_if(candidates_.begin(), candidates_.end(), fits);
    const bool gap = sequence != expected_ || first == candidates_.end();
    if (gap) report(fmt::format("record {} is missing or damaged in both copies of the journal", expected_));
    const JournalItem& chosen = *(gap ? candidates_.front() : *first).item;
    const bool disputed = std::any_of(candidates_.begin(), candidates_.end(), [&](const Candidate& c) {
      return fits(c) && c.item->hash != chosen.hash;
    });
    if (disputed) report(fmt::format("the two copies of the journal differ from record {} on", sequence));
    JournalLink link{.sequence = sequence, .places = {}};
    for (const Candidate& c : candidates_) {
      if (c.item->hash == chosen.hash) link.places[c.copy] = c.item->place;
    }
    chain_.links.push_back(link);
    hash_ = chosen.hash;
    expected_ = sequence + 1;
  }

  // The first problem is the one that explains the others.
  void report(std::string problem) {
    if (chain_.problem.empty()) chain_.problem = std::move(problem);
  }

  std::array<std::vector<JournalItem>, 2>& copies_;
  std::size_t preferred_ = 0;  // the longer copy: the one to read from where they differ
  std::array<std::size_t, 2> at_{};
  std::vector<Candidate> candidates_;
  std::uint64_t expected_ = 1;
  ShortHash hash_;
  JournalChain chain_;
};

}  // namespace

JournalChain join_journal_copies(std::array<std::vector<JournalItem>, 2> copies, const ShortHash& root) {
  return Joiner(copies, root).join();
}

}  // namespace rb
