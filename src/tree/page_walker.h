// Walks a stored directory over pages and entries alike: the item at the walker is an entry, or a page that
// has not been opened yet and can be opened (expand) or passed over unread (skip). What builds on it never
// loads a page that it can decide about by its id. Internal to this layer.
//
// Trusts nothing it loads: levels decrease by exactly one, a page holds what its parent says it does (first
// name, number of entries), and no name reaches beyond the page's bound; else Errc::corrupt. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "format/object_io.h"
#include "format/tree_page.h"

namespace rb {

class PageWalker {
 public:
  // Borrows the source. No root page: a directory without entries.
  PageWalker(ObjectSource& source, const std::optional<ObjectId>& root_page)
      : source_(&source), root_id_(root_page) {}

  // Loads the root page, and moves to the first item: the root itself, unopened. To be called once, first.
  Status open();

  bool at_end() const { return frames_.empty(); }
  bool at_page() const { return !at_end() && top().page->level > 0; }
  bool at_entry() const { return !at_end() && top().page->level == 0; }

  // Requires: at_page().
  const PageChild& page() const { return top().page->children[top().index]; }
  int page_level() const { return top().page->level - 1; }
  // Requires: at_entry(). Valid until the walker moves.
  const Entry& entry() const { return top().page->entries[top().index]; }

  // The entry's name, or the page's first. Requires: !at_end(). Valid until the walker moves.
  std::string_view name() const { return at_page() ? std::string_view(page().first_name) : entry().name; }
  // The first name of the item that follows, which no name in this one reaches; nothing when none follows.
  std::optional<std::string_view> bound() const { return bound_of(frames_.size()); }

  // Opens the page and moves to its first item. Requires: at_page().
  Status expand();
  // Moves past the item. Requires: !at_end().
  void skip();
  // Moves to the first item that holds a name not less than `name`, forward or backward. That is an entry
  // unless the name is at or before a page's beginning, which then is not opened. Loads at most one page per
  // level.
  Status seek(std::string_view name);
  // Asks the source for the pages that a walk onward will need next. Does nothing at an entry.
  void read_ahead();

 private:
  struct Frame {
    std::shared_ptr<const TreePage> page;
    std::size_t index = 0;
    std::size_t ahead = 0;  // children before this one have been asked for
  };
  const Frame& top() const { return frames_.back(); }
  // The bound of everything in the frames from `depth` on: what the frames before it say comes next.
  std::optional<std::string_view> bound_of(std::size_t depth) const;
  bool covers(std::size_t depth, std::string_view name) const;
  Result<std::shared_ptr<const TreePage>> load_child() const;

  ObjectSource* source_;
  std::optional<ObjectId> root_id_;
  std::shared_ptr<const TreePage> root_;
  std::shared_ptr<const TreePage>
      above_root_;             // a page with the root as its one child; nothing when it is empty
  std::vector<Frame> frames_;  // the first is above_root_
};

// Whether both walkers are at the same page, neither having opened it. Not the id alone: where two parents
// describe one page differently, one of them lies, and opening it will show which.
bool is_same_page(const PageWalker& a, const PageWalker& b);

}  // namespace rb
