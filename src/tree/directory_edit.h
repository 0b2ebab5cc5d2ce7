// What differs between two stored directories, and changing some entries of one, touching only the pages
// concerned.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "format/object_io.h"
#include "format/tree_page.h"

namespace rb {

// One name that differs. Absent on one side: added or removed.
struct EntryChange {
  std::string name;
  std::optional<Entry> before;
  std::optional<Entry> after;
};

// Calls `visit` for each name that differs, in order of names. Either side may be no directory at all. Pages
// with equal ids are never loaded. Compares entries as values: a subdirectory with another content id
// differs.
using ChangeVisitor = std::function<Status(EntryChange)>;
Status diff_directories(ObjectSource& source, const std::optional<ObjectId>& before,
                        const std::optional<ObjectId>& after, const ChangeVisitor& visit);

// New state of some names: an entry to put there, or nothing to remove it. Removing what is not there is no
// error.
using DirectoryEdits = std::map<std::string, std::optional<Entry>, std::less<>>;

// Applies the edits and gives the new root page; unchanged pages are reused unread. The result is the same as
// building the edited directory anew. Without edits that change anything: the same id. No directory: starts
// from an empty one.
Result<ObjectId> edit_directory(ObjectSource& source, ObjectSink& sink,
                                const std::optional<ObjectId>& root_page, const DirectoryEdits& edits);

}  // namespace rb
