#include "tree/merge_entry.h"

namespace rb {
namespace {

bool is_directory(const Entry& entry) {
  return entry.type == EntryType::directory;
}

std::optional<ObjectId> contents_of(const Entry* entry) {
  if (entry == nullptr || entry->content_kind != ContentKind::tree) return std::nullopt;
  return entry->content;
}

bool same(const Entry* a, const Entry* b) {
  return a == nullptr || b == nullptr ? a == b : *a == *b;
}

// What the entry says of itself: without the mark, which is no change, and without a directory's contents,
// which are merged by themselves.
Entry self_of(const Entry& entry) {
  Entry self = entry;
  self.kept.reset();
  if (is_directory(self)) {
    self.content_kind = ContentKind::none;
    self.content = ObjectId{};
  }
  return self;
}

// Whether a run saw something that base does not have. An implied entry says nothing of its own.
bool really_changed(const Entry* base, const Entry& entry) {
  if (entry.implied) return false;
  if (base == nullptr || base->implied || base->type != entry.type) return true;
  return self_of(*base) != self_of(entry);
}

bool touched(const Entry* base, const Entry& entry) {
  return really_changed(base, entry) || contents_of(base) != contents_of(&entry);
}

// The mark of an entry of which neither side says anything new. It speaks of all beneath a directory, so a
// side that changed something there knows better. Both marked it: the first, for a mark is set once.
std::optional<Kept> merge_kept(const EntrySides& s) {
  const bool head_touched = touched(s.base, *s.head);
  const bool own_touched = touched(s.base, *s.own);
  if (head_touched != own_touched) return head_touched ? s.head->kept : s.own->kept;
  static const std::optional<Kept> kUnmarked;
  const std::optional<Kept>& base = s.base != nullptr ? s.base->kept : kUnmarked;
  if (s.own->kept == base) return s.head->kept;
  if (s.head->kept == base) return s.own->kept;
  const bool both = s.head->kept && s.own->kept && s.head->kept->reason == s.own->kept->reason;
  return both ? s.head->kept : s.own->kept;
}

// Two implied directories that differ: the side that changed; both, head's.
const Entry& pick_implied(const EntrySides& s) {
  const bool head_unchanged = s.base != nullptr && self_of(*s.base) == self_of(*s.head);
  return head_unchanged ? *s.own : *s.head;
}

// Both sides have the entry, of the same sort (directory or not): whose metadata, and for what is no
// directory, whose content.
Entry resolve_self(const EntrySides& s) {
  if (really_changed(s.base, *s.own)) return *s.own;
  if (really_changed(s.base, *s.head)) return *s.head;
  Entry result = *s.own;
  if (s.own->implied) result = s.head->implied ? pick_implied(s) : *s.head;
  result.kept = merge_kept(s);
  return result;
}

EntryPlan take(const Entry* entry) {
  EntryPlan plan;
  if (entry != nullptr) plan.entry = *entry;
  return plan;
}

EntryPlan merge_directory(Entry self, ContentSides contents) {
  EntryPlan plan;
  plan.entry = std::move(self);
  plan.merge = contents;
  return plan;
}

// Only one side still has a directory there. Unless it really changed it, the directory stays only for the
// sake of what is left inside.
EntryPlan merge_lone_directory(const Entry* base, const Entry& directory, ContentSides contents) {
  EntryPlan plan = merge_directory(directory, contents);
  plan.replace_if_empty = !really_changed(base, directory);
  plan.empty_as_entry = true;
  return plan;
}

// One side removed what base had, and the other has `left`, which differs from base's.
EntryPlan plan_removed(const Entry* base, const Entry& left, ContentSides contents) {
  if (is_directory(left)) return merge_lone_directory(base, left, contents);
  return take(really_changed(base, left) ? &left : nullptr);
}

// A directory on one side and something else on the other, which takes its place if it goes.
EntryPlan plan_directory_or(const Entry* base, const Entry& directory, const Entry& other,
                            ContentSides contents) {
  EntryPlan plan = merge_lone_directory(base, directory, contents);
  if (plan.replace_if_empty) plan.replacement = other;
  return plan;
}

}  // namespace

EntryPlan plan_entry(const EntrySides& s) {
  if (same(s.base, s.head)) return take(s.own);
  if (same(s.base, s.own)) return take(s.head);
  if (same(s.head, s.own)) return take(s.own);
  // From here on, both sides differ from base and from each other; so own or head may be absent, not both.
  const std::optional<ObjectId> base = contents_of(s.base);
  if (s.own == nullptr) return plan_removed(s.base, *s.head, {base, contents_of(s.head), std::nullopt});
  if (s.head == nullptr) return plan_removed(s.base, *s.own, {base, std::nullopt, contents_of(s.own)});
  if (is_directory(*s.head) && is_directory(*s.own)) {
    return merge_directory(resolve_self(s), {base, contents_of(s.head), contents_of(s.own)});
  }
  if (is_directory(*s.own)) {
    return plan_directory_or(s.base, *s.own, *s.head, {base, std::nullopt, contents_of(s.own)});
  }
  if (is_directory(*s.head)) {
    if (really_changed(s.base, *s.own)) return take(s.own);
    return plan_directory_or(s.base, *s.head, *s.own, {base, contents_of(s.head), std::nullopt});
  }
  const Entry resolved = resolve_self(s);
  return take(&resolved);
}

std::optional<Settled> settle_contents(const ContentSides& s) {
  if (s.base == s.head || s.head == s.own) return Settled{s.own};
  if (s.base == s.own) return Settled{s.head};
  return std::nullopt;
}

}  // namespace rb
