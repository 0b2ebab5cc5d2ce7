// Builds a directory from its entries in order, as pages that close at places decided by the names alone
// (tree/page_boundary.h), so that two directories that share a run of names share the pages of that run.
// Holds one open page per level, whatever the directory's size. Not thread-safe; one per directory.
#pragma once

#include <memory>

#include "format/object_io.h"
#include "format/tree_page.h"

namespace rb {

class DirectoryBuilder {
 public:
  // Borrows the sink, which gets each page as it closes, children before parents.
  explicit DirectoryBuilder(ObjectSink& sink);
  ~DirectoryBuilder();
  DirectoryBuilder(DirectoryBuilder&&) noexcept;

  // Requires: check_entry(entry); its name is greater than all before.
  Status add(Entry entry);

  // Takes over a whole page of another directory (any level) without reading it. Only allowed where it means
  // the same as adding its entries: returns false, and does nothing, when a page of that level is open here,
  // or when `last` says that the page ended because its directory did, so that it may have to grow.
  Result<bool> add_page(const PageChild& page, int level, bool last);

  // Takes over the last page of another directory, without reading it, as the last of this one: only finish()
  // may follow. Returns false, and does nothing, when a page of that level is open here, or when there is
  // none before it at its level, so that the root may have to be lower.
  Result<bool> add_last_page(const PageChild& page, int level);

  // The leaf that is not closed yet; valid until the next call.
  const TreePage& open_leaf() const;

  // Closes all pages and gives the root page's id. A directory without entries is one empty leaf.
  Result<ObjectId> finish();

  std::uint64_t entry_count() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rb
