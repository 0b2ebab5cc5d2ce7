// What becomes of one name in the three-way merge: a pure function of the three entries. Internal to this
// layer.
#pragma once

#include <optional>

#include "format/entry.h"

namespace rb {

// The contents of one directory, or the entries of one name, on the three sides.
struct ContentSides {
  std::optional<ObjectId> base;
  std::optional<ObjectId> head;
  std::optional<ObjectId> own;
};

struct EntrySides {
  const Entry* base = nullptr;
  const Entry* head = nullptr;
  const Entry* own = nullptr;
};

struct EntryPlan {
  // The result; nothing: the name is removed. A directory whose contents are still to be merged when `merge`
  // is set.
  std::optional<Entry> entry;
  std::optional<ContentSides> merge;
  // With `merge`, when nothing is left in the directory: whether it goes, and what takes its place.
  bool replace_if_empty = false;
  std::optional<Entry> replacement;
  // With `merge`, when nothing is left in the directory, and it stays: it has an empty page if `entry` has
  // contents. Only one side has a directory there, so that the sides' contents don't tell.
  bool empty_as_entry = false;
};

// Requires: at least one side has an entry, and all that have one have the same name.
EntryPlan plan_entry(const EntrySides& sides);

// What a side that changed one of two did: the rule for contents that only one side, or both alike, changed.
// Nothing when both changed, each in another way.
struct Settled {
  std::optional<ObjectId> contents;
};
std::optional<Settled> settle_contents(const ContentSides& sides);

}  // namespace rb
