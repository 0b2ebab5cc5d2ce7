// A page of a directory: a leaf holds entries, an inner page holds pages. Canonical: one value has one
// encoding, and the decoder rejects any other. Columnar, so that names, times and owners each compress among
// their like. The byte layout is in docs/format.md, "Tree page".
#pragma once

#include <vector>

#include "format/entry.h"

namespace rb {

// A page one level below: what an inner page knows of it.
struct PageChild {
  std::string first_name;
  std::uint64_t entry_count = 0;  // entries in all leaves beneath it
  ObjectId id;
  bool operator==(const PageChild&) const = default;
};

struct TreePage {
  int level = 0;               // 0: leaf
  std::vector<Entry> entries;  // leaf: sorted by name bytes, strictly ascending; may be empty in a root page
  std::vector<PageChild> children;  // inner: sorted by first_name, strictly ascending; never empty
  bool operator==(const TreePage&) const = default;
};

// Requires: every entry passes check_entry, the order holds. The result's payload may exceed the target size
// of a page (a page's limits in entries are tree/page_boundary.h's business) but never kMaxMetadataBytes.
Object encode_tree_page(const TreePage& page);

// The level of a page from its payload. Requires: encode_tree_page made it.
int level_of_page(ByteView payload);

// Refuses anything that encode_tree_page would not have made, in bounded memory and time.
Result<TreePage> decode_tree_page(std::span<const ObjectId> refs, ByteView payload);

}  // namespace rb
