// Walks the entries of a stored directory in order, page by page, reading ahead. Holds one page per level.
#pragma once

#include <memory>

#include "format/object_io.h"
#include "format/tree_page.h"

namespace rb {

class DirectoryCursor {
 public:
  // Borrows the source. Nothing is loaded before the first call.
  DirectoryCursor(ObjectSource& source, const ObjectId& root_page);
  ~DirectoryCursor();
  DirectoryCursor(DirectoryCursor&&) noexcept;

  // The entry at the cursor, or nullptr at the end; valid until next() or seek().
  Result<const Entry*> current();
  Status next();
  // Moves to the first entry whose name is not less than `name`, forward or backward, loading one page per
  // level.
  Status seek(std::string_view name);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One entry of a directory by name, loading one page per level.
Result<std::optional<Entry>> find_entry(ObjectSource& source, const ObjectId& root_page,
                                        std::string_view name);

// All entries; for directories known to be small, and tests.
Result<std::vector<Entry>> read_directory(ObjectSource& source, const ObjectId& root_page);

// How many entries the directory has, from its root page alone.
Result<std::uint64_t> directory_entry_count(ObjectSource& source, const ObjectId& root_page);

// Loads and decodes one page.
Result<TreePage> load_tree_page(ObjectSource& source, const ObjectId& id);

}  // namespace rb
