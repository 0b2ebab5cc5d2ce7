// The three-way merge of commits: base is what our run began from, head what somebody else committed
// meanwhile, own what our run made of base. Descends only where base and head differ and where base and own
// differ.
//
// An entry that one side changed takes that side; that both changed takes ours, the later commit. Two
// directories are merged entry by entry. A removal by us removes only what base had and head has not changed;
// what head removed and we did not change stays removed. `kept` marks and implied entries are not changes and
// never replace a real entry. Without base (pruned long ago) nothing is removed: entries of head that we lack
// stay, ours win elsewhere.
#pragma once

#include <optional>

#include "format/object_io.h"

namespace rb {

struct MergeInput {
  std::optional<ObjectId> base;  // root pages (tree/root_tree.h)
  std::optional<ObjectId> head;
  ObjectId own;
};

Result<ObjectId> merge_trees(ObjectSource& source, ObjectSink& sink, const MergeInput& input);

}  // namespace rb
