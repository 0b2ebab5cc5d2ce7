#include "tree/merge.h"

#include <memory>
#include <vector>

#include "base/limits.h"
#include "tree/directory_merge.h"

namespace rb {
namespace {

// Merges depth first, with the directories on the way to the current one on a stack of its own.
class TreeMerge {
 public:
  TreeMerge(ObjectSource& source, ObjectSink& sink) : source_(source), sink_(sink) {}

  Result<ObjectId> run(const ContentSides& root) {
    RB_TRY(descend(root));
    for (;;) {
      DirectoryMerge& top = *stack_.back();
      RB_TRY(const std::optional<ContentSides> wanted, top.advance());
      if (!wanted) {
        RB_TRY(const ObjectId merged, top.finish());
        const bool own_has_none = !top.sides().own;
        stack_.pop_back();
        if (stack_.empty()) return merged;
        RB_TRY(stack_.back()->give(as_contents(merged, own_has_none)));
      } else if (const std::optional<Settled> settled = settle_contents(*wanted)) {
        RB_TRY(top.give(settled->contents));
      } else {
        RB_TRY(descend(*wanted));
      }
    }
  }

 private:
  Status descend(const ContentSides& sides) {
    // The entry "/" is one level more.
    if (stack_.size() > static_cast<std::size_t>(kMaxDirectoryDepth) + 1) {
      return fail(Errc::corrupt, "directories are nested too deep");
    }
    stack_.push_back(std::make_unique<DirectoryMerge>(source_, sink_, sides));
    return stack_.back()->open();
  }

  // Nothing stored beneath a directory, and nothing left of what was, look alike; it is as own has it.
  static std::optional<ObjectId> as_contents(const ObjectId& merged, bool own_has_none) {
    if (own_has_none && merged == empty_directory_id()) return std::nullopt;
    return merged;
  }

  ObjectSource& source_;
  ObjectSink& sink_;
  std::vector<std::unique_ptr<DirectoryMerge>> stack_;
};

}  // namespace

Result<ObjectId> merge_trees(ObjectSource& source, ObjectSink& sink, const MergeInput& input) {
  if (!input.head) return input.own;
  const ContentSides root{input.base, input.head, input.own};
  if (const std::optional<Settled> settled = settle_contents(root)) return *settled->contents;
  return TreeMerge(source, sink).run(root);
}

}  // namespace rb
