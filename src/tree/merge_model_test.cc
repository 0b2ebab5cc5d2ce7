// The merge against a model of it (tests/support/merge_model.h).
#include "support/merge_model.h"

#include <random>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "support/memory_objects.h"
#include "tree/merge.h"

namespace rb {
namespace {

using samples::MaybeNode;
using samples::model_merge;
using samples::Node;
using samples::value;

class RandomTrees {
 public:
  RandomTrees(unsigned seed, int names) : random_(seed), names_(names) {}

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  Node node(const std::string& name, int depth) {
    if (depth == 0 || below(2) == 0) return {mark(samples::file(name, below(2))), std::nullopt};
    Node dir = samples::directory_node(name, below(2));
    if (below(4) == 0) dir.self = samples::implied(name, 0700 + static_cast<unsigned>(below(3)));
    dir.self = mark(dir.self);
    if (below(8) == 0) {
      dir.contents.reset();
    } else {
      fill(dir, depth - 1);
    }
    return dir;
  }

  void fill(Node& dir, int depth) {
    for (int i = 0; i < names_; ++i) {
      if (below(3) != 0) dir.contents->insert_or_assign(name(i), node(name(i), depth));
    }
  }

  // Some changes in a directory, at any depth.
  void mutate(Node& dir, int depth, int changes) {
    if (!dir.contents) dir.contents.emplace();
    for (; changes > 0; --changes) {
      const std::string at = name(below(names_));
      const auto found = dir.contents->find(at);
      const int what = below(10);
      if (found == dir.contents->end() || what == 0) {
        dir.contents->insert_or_assign(at, node(at, depth));
      } else if (what == 1) {
        dir.contents->erase(found);
      } else if (found->second.is_directory() && depth > 0 && what < 8) {
        mutate(found->second, depth - 1, 1 + below(3));
      } else {
        touch(found->second);
      }
    }
  }

 private:
  static std::string name(int i) { return samples::numbered(i); }

  Entry mark(Entry entry) {
    if (below(6) != 0) return entry;
    const KeptReason reason = below(2) == 0 ? KeptReason::absent : KeptReason::unreadable;
    entry.kept = Kept{reason, {below(3), 0}};
    return entry;
  }

  void touch(Node& node) {
    const int what = below(3);
    if (what == 0) {
      node.self.kept.reset();
      node.self = mark(node.self);
    } else if (what == 1 && node.is_directory()) {
      node.self.implied = !node.self.implied;
    } else {
      node.self.mode = 0700u + static_cast<unsigned>(below(4));
    }
  }

  std::mt19937 random_;
  int names_;
};

void compare_with_model(RandomTrees& trees, int depth, int changes, bool with_base) {
  Node base = samples::directory_node("");
  trees.fill(base, depth);
  Node head = base;
  Node own = base;
  trees.mutate(head, depth, trees.below(changes));
  trees.mutate(own, depth, trees.below(changes));

  MemoryObjects objects(MemoryObjects::RefCheck::on);
  MergeInput input;
  if (with_base) input.base = samples::store_root(objects, base);
  input.head = samples::store_root(objects, head);
  input.own = samples::store_root(objects, own);
  const ObjectId merged = value(merge_trees(objects, objects, input));

  const MaybeNode expected = model_merge(with_base ? MaybeNode(base) : std::nullopt, head, own);
  const Node result = samples::load_root(objects, merged);
  if (result != *expected) {
    RC_LOG() << "base   " << samples::render(base) << "\nhead   " << samples::render(head) << "\nown    "
             << samples::render(own) << "\nmerged " << samples::render(result) << "\nmodel  "
             << samples::render(*expected) << "\n";
  }
  RC_ASSERT(result == *expected);
  RC_ASSERT(merged == samples::store_root(objects, *expected));
}

TEST(MergeModelTest, SmallTreesThatDifferInAllWays) {
  EXPECT_TRUE(rc::check("as the model says", [] {
    RandomTrees trees(*rc::gen::arbitrary<unsigned>(), 4);
    for (int round = 0; round < 10; ++round)
      compare_with_model(trees, 3, 6, trees.below(5) != 0);
  }));
}

TEST(MergeModelTest, DirectoriesOfManyPages) {
  EXPECT_TRUE(rc::check("as the model says", [] {
    RandomTrees trees(*rc::gen::arbitrary<unsigned>(), *rc::gen::inRange(100, 1500));
    compare_with_model(trees, 0, 40, trees.below(5) != 0);
  }));
}

TEST(MergeModelTest, ManyPagesOfDirectories) {
  EXPECT_TRUE(rc::check("as the model says", [] {
    RandomTrees trees(*rc::gen::arbitrary<unsigned>(), *rc::gen::inRange(20, 80));
    compare_with_model(trees, 1, 60, trees.below(5) != 0);
  }));
}

// What only one side did comes out as it did it, and so does what both did in different places.
TEST(MergeModelTest, ChangesInDifferentPlacesAreBothKept) {
  EXPECT_TRUE(rc::check("head's half and our half", [] {
    RandomTrees trees(*rc::gen::arbitrary<unsigned>(), 12);
    Node base = samples::directory_node("");
    base.contents->emplace("left", samples::directory_node("left"));
    base.contents->emplace("right", samples::directory_node("right"));
    trees.fill(base.contents->at("left"), 2);
    trees.fill(base.contents->at("right"), 2);
    Node head = base;
    Node own = base;
    trees.mutate(head.contents->at("left"), 2, 10);
    trees.mutate(own.contents->at("right"), 2, 10);
    Node expected = own;
    expected.contents->at("left") = head.contents->at("left");
    MemoryObjects objects(MemoryObjects::RefCheck::on);
    const MergeInput input{samples::store_root(objects, base), samples::store_root(objects, head),
                           samples::store_root(objects, own)};
    RC_ASSERT(value(merge_trees(objects, objects, input)) == samples::store_root(objects, expected));
  }));
}

}  // namespace
}  // namespace rb
