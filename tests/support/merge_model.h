// The three-way merge as a model: the rules of tree/merge.h on maps, without pages, written as who claims a
// name.
#pragma once

#include <set>

#include "support/tree_model.h"

namespace rb::samples {

using Contents = std::optional<std::map<std::string, Node>>;
using MaybeNode = std::optional<Node>;

inline Entry without_mark(Entry entry) {
  entry.kept.reset();
  return entry;
}

inline bool claims(const MaybeNode& base, const MaybeNode& node) {
  if (!node || node->self.implied) return false;
  return !base || base->self.implied || without_mark(base->self) != without_mark(node->self);
}

inline Contents contents(const MaybeNode& node) {
  return node ? node->contents : std::nullopt;
}

inline MaybeNode child(const Contents& of, const std::string& name) {
  if (!of || !of->contains(name)) return std::nullopt;
  return of->at(name);
}

inline MaybeNode model_merge(const MaybeNode& base, const MaybeNode& head, const MaybeNode& own);

inline Contents merge_contents(const Contents& base, const Contents& head, const Contents& own) {
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

inline std::optional<Kept> merge_marks(const MaybeNode& base, const Node& head, const Node& own) {
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
inline Entry weak_self(const MaybeNode& base, const Node& head, const Node& own) {
  Entry self = own.self;
  if (own.self.implied && !head.self.implied) self = head.self;
  if (own.self.implied && head.self.implied) {
    const bool head_as_before = base && without_mark(base->self) == without_mark(head.self);
    self = head_as_before ? own.self : head.self;
  }
  self.kept = merge_marks(base, head, own);
  return self;
}

inline bool is_directory(const MaybeNode& node) {
  return node && node->is_directory();
}

inline MaybeNode model_merge(const MaybeNode& base, const MaybeNode& head, const MaybeNode& own) {
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

}  // namespace rb::samples
