// Walks the entries of a stored directory, page by page, in a way that a damaged page costs only the entries
// on it, that the place can be kept without keeping pages in memory, and that pages which two directories
// share can be passed over unread. (tree/directory_cursor.h is the simpler thing to use where none of that
// matters.)
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "format/object_io.h"
#include "format/tree_page.h"

namespace rb {

// Stands before an entry, before a page that was not loaded yet, or at the end. Not thread-safe.
class EntryWalk {
 public:
  // Borrows the source. A default-constructed walk is at its end: no directory.
  EntryWalk() = default;
  EntryWalk(ObjectSource& source, const ObjectId& root_page);

  bool at_end();
  // The page the walk stands before, or nothing. Its level is that of the page itself, unknown (-1) for a
  // root page.
  struct Page {
    const ObjectId* id;
    const std::string* first_name;  // nullptr for a root page
    std::uint64_t entry_count;      // 0 when unknown
    int level;
  };
  std::optional<Page> page();
  // Loads the page and steps in; when that fails the page is passed over. Requires: page().
  Status open_page();
  // Passes over the page or the entry. Requires: !at_end().
  void skip();
  // The entry the walk stands before; valid until the walk moves. Requires: !at_end() && !page().
  const Entry& entry();

  // Steps to the next entry, opening pages, and gives it (nullptr at the end); the walk stands behind it.
  // Valid until the walk moves or is suspended. After an error, which names the page, the walk goes on behind
  // that page.
  Result<const Entry*> next();

  // Lets go of the pages: for the many levels of a deep tree. Before anything else, resume() loads them
  // again.
  void suspend();
  Status resume();

 private:
  struct Frame {
    ObjectId id;
    int level = -1;          // -1: the root page, of which nothing is known beforehand
    std::string first_name;  // not for the root page
    std::size_t index = 0;
    std::shared_ptr<const TreePage> page;
  };
  Result<std::shared_ptr<const TreePage>> load(const Frame& frame) const;
  void drop_finished();
  void read_ahead();

  ObjectSource* source_ = nullptr;
  std::vector<Frame> frames_;  // from the root page down; every page before the last one is an inner page
  bool root_pending_ = false;  // frames_[0] was not opened yet
};

}  // namespace rb
