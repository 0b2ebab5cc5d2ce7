// Puts the records of both copies together into the one chain that they should be. Computes only.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "repository/journal_copy.h"

namespace rb {

struct JournalLink {
  std::uint64_t sequence = 0;
  std::array<JournalPlace, 2> places;  // in each copy
};

struct JournalChain {
  std::vector<JournalLink> links;
  // Not empty: the chain is not to be believed as it stands, nor written to. Either both copies hold a valid
  // record of the same number and they differ, or a record is missing in both.
  std::string problem;
};

// `root` is what the first record names as its predecessor.
JournalChain join_journal_copies(std::array<std::vector<JournalItem>, 2> copies, const ShortHash& root);

}  // namespace rb
