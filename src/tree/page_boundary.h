// Where the pages of a directory close: a function of the names alone, with a minimum and a maximum, so that
// two directories that share a run of names share its pages wherever the run stands, and an edit moves few
// boundaries.
//
// Reading the items of a level in order (entries at level 0, pages at the levels above, named by their first
// entry), the page closes after an item when one of these holds; nothing that comes after the item has a say:
//   - the page has kPageItemsMax items;
//   - the page has at least kPageItemsMin items, and is_boundary_name(name, level): one name in
//   kBoundaryOdds;
//   - the weights of its items reach kPageWeightClose. The weights are a fixed function of the items, and
//   reach it only
//     where names are very long or entries carry much (attributes, inline contents).
// The last page of a level ends with it. The root is the one page of the lowest level that has a single page.
// That makes one tree of every list of entries, whichever way it was produced.
//
// About 64 items a page. Half of an entry is its reference, which does not compress, so that a page costs
// about 50 bytes an entry; a changed file in a directory of a million costs a leaf and three inner pages,
// about 12 KB. Twice as many items cost 20 KB there; half as many save little and double the objects.
#pragma once

#include "format/tree_page.h"

namespace rb {

inline constexpr std::size_t kPageItemsMin = 32;
inline constexpr std::size_t kPageItemsMax = 256;
inline constexpr unsigned kBoundaryOdds = 32;
// Ordinary entries weigh about 250 (entry_bytes_max), so that 256 of them stay far below it.
inline constexpr std::size_t kPageWeightClose = 128 << 10;

// FNV-1a, 64 bits, over the level (one byte) and the name; then the finaliser of MurmurHash3, because FNV's
// high bits know little of a short name; a boundary when its highest five bits are zero.
bool is_boundary_name(std::string_view name, int level);

// At least the bytes that the item adds to its page, references included; an entry's is entry_bytes_max().
std::size_t page_weight(const PageChild& child);

// Whether a page can refer to all that the entry refers to, beside what it may hold before it closes. Only an
// entry with thousands of large extended attributes is too much: Errc::invalid_argument.
Status check_entry_fits(const Entry& entry);

// Counts the items of the open page of one level. A value.
class PageBoundary {
 public:
  explicit PageBoundary(int level) : level_(level) {}
  // Takes the next item; true: the page closes after it, and the next item begins another.
  bool add(std::string_view name, std::size_t weight);

 private:
  int level_;
  std::size_t items_ = 0;
  std::size_t weight_ = 0;
};

}  // namespace rb
