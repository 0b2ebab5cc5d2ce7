// The merge against a model of it: the rules of tree/merge.h on maps, without pages, written as who claims a
// name.
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "support/memory_objects.h"
#include "support/tree_model.h"
#include "tree/merge.h"

namespace rb {
namespace {

using samples::Node;
using samples::value;

using Contents = std::optional<std::map<std::string, Node>>;
using MaybeNode = std::optional<Node>;

Entry without_mark(Entry entry) {
  entry.kept.reset();
  return entry;
}

bool claims(const MaybeNode& base, const MaybeNode& node) {
  if (!node || node->self.implied) return false;
  return !base || base->self.implied || without_mark(base->self) != without_mark(node->self);
}

Contents contents(const MaybeNode& node) {
  return node ? node->contents : std::nullopt;
}

MaybeNode child(const Contents& of, const std::string& name) {
  if (!of || !of->contains(name)) return std::nullopt;
  return of->at(name);
}

MaybeNode model_merge(const MaybeNode& base, const MaybeNode& head, const MaybeNode& own);

Contents merge_contents(const Contents& base, const Contents& head, const Contents& own) {
  if (base == head || head == own) return own;
  if (base == own) return head;
  std::set<std::string> names;
  for (const Contents* side : {&base, &head, &own}) {
    if (*side) {
      for (const auto& [name, node] : **side)
        names.insert(name);
    }
  }
  std::map<std::string, Node> merged;
  for (const std::string& name : names) {
    MaybeNode node = model_merge(child(base, name), child(head, name), child(own, name));
    if (node) merged.emplace(name, *std::move(node));
  }
  if (merged.empty() && !own) return std::nullopt;
  return merged;
}

std::optional<Kept> merge_marks(const MaybeNode& base, const Node& head, const Node& own) {
  const bool head_touched = claims(base, head) || contents(base) != head.contents;
  const bool own_touched = claims(base, own) || contents(base) != own.contents;
  if (head_touched && !own_touched) return head.self.kept;
  if (own_touched && !head_touched) return own.self.kept;
  static const std::optional<Kept> kUnmarked;
  const std::optional<Kept>& before = base ? base->self.kept : kUnmarked;
  if (own.self.kept == before) return head.self.kept;
  if (head.self.kept == before || !head.self.kept || !own.self.kept) return own.self.kept;
  return head.self.kept->reason == own.self.kept->reason ? head.self.kept : own.self.kept;
}

// Nobody claims the name, and both have it.
Entry weak_self(const MaybeNode& base, const Node& head, const Node& own) {
  Entry self = own.self;
  if (own.self.implied && !head.self.implied) self = head.self;
  if (own.self.implied && head.self.implied) {
    const bool head_as_before = base && without_mark(base->self) == without_mark(head.self);
    self = head_as_before ? own.self : head.self;
  }
  self.kept = merge_marks(base, head, own);
  return self;
}

bool is_directory(const MaybeNode& node) {
  return node && node->is_directory();
}

MaybeNode model_merge(const MaybeNode& base, const MaybeNode& head, const MaybeNode& own) {
  if (base == head) return own;
  if (base == own) return head;
  if (head == own) return own;
  if (claims(base, own) && !own->is_directory()) return own;
  Contents inside = merge_contents(contents(base), contents(head), contents(own));
  const bool something = inside && !inside->empty();
  if (is_directory(head) && is_directory(own)) {
    Entry self = claims(base, own)    ? own->self
                 : claims(base, head) ? head->self
                                      : weak_self(base, *head, *own);
    return Node{self, inside};
  }
  if (is_directory(head) || is_directory(own)) {
    const MaybeNode& directory = is_directory(own) ? own : head;
    const MaybeNode& other = is_directory(own) ? head : own;
    if (!something && !claims(base, directory)) return other;
    if (!something) inside = directory->contents ? Contents(std::map<std::string, Node>{}) : std::nullopt;
    return Node{directory->self, inside};
  }
  if (claims(base, own)) return own;
  if (claims(base, head)) return head;
  if (!head || !own) return std::nullopt;
  return Node{weak_self(base, *head, *own), std::nullopt};
}

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
