// The three-way merge of one directory's entries, page by page; what stands beneath its subdirectories is
// handed in by the caller, so that a deep tree needs no deep stack. Internal to this layer.
#pragma once

#include <array>

#include "tree/merge_entry.h"
#include "tree/page_copy.h"

namespace rb {

class DirectoryMerge {
 public:
  DirectoryMerge(ObjectSource& source, ObjectSink& sink, const ContentSides& sides);

  // To be called once, first.
  Status open();

  // Goes on to the next subdirectory whose contents must be merged before this directory can go on: gives
  // those, and expects give() with the outcome. Nothing: all is done, finish() is next.
  Result<std::optional<ContentSides>> advance();
  Status give(const std::optional<ObjectId>& merged_contents);

  Result<ObjectId> finish() { return builder_.finish(); }
  const ContentSides& sides() const { return sides_; }

 private:
  enum Side : std::size_t { kBase, kHead, kOwn };

  Result<bool> pass_equal_pages();
  Status pass_pair(Side a, Side b, Side third);
  Status take_page_of_both(const std::optional<std::string>& limit);
  Result<bool> open_smallest_page(std::string_view smallest);
  EntryPlan plan_smallest(std::string_view smallest);
  std::string_view smallest_name() const;
  bool at_end() const;

  ObjectSink& sink_;
  ContentSides sides_;
  std::array<PageWalker, 3> walkers_;
  DirectoryBuilder builder_;
  EntryPlan pending_;
};

// The id of a directory without entries.
const ObjectId& empty_directory_id();

}  // namespace rb
