// What is known of one directory before it is looked at, by name in order: the copy's entries (the head), and
// the cache's rows. Where the copy has the very tree that the cache was made from, the rows are the entries,
// and nothing is fetched. Not thread-safe.
//
// Errors are those of the store, or of a damaged cache.
#pragma once

#include <memory>
#include <optional>

#include "format/object_io.h"
#include "scan/file_cache.h"
#include "tree/directory_cursor.h"

namespace rb {

class DirectoryKnowledge {
 public:
  // Borrows `copy`. `cached` and `head` may be nothing.
  DirectoryKnowledge(std::unique_ptr<CachedDirectory> cached, const std::optional<ObjectId>& head,
                     ObjectSource& copy);

  // The first name of the copy at or after the place reached so far; valid until the next call.
  Result<std::optional<std::string_view>> head_name();

  // Goes forward to this name, in both. Requires: not less than any name before.
  struct Known {
    bool in_head = false;
    const CachedRow* row = nullptr;  // valid until the next call
  };
  Result<Known> move_to(std::string_view name);

  // Of the name moved to. Requires: it is in the head; it has a row.
  Result<const Entry*> head_entry();
  Result<const Entry*> row_entry();
  // Leaves the name in the head behind.
  Status pass_head();

 private:
  std::unique_ptr<CachedDirectory> cached_;
  std::optional<DirectoryCursor> cursor_;
  bool head_is_cache_ = false;
};

}  // namespace rb
