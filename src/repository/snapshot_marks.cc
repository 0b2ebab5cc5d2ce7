#include "repository/snapshot_marks.h"

#include <algorithm>

namespace rb {

namespace {

std::pair<std::uint32_t, std::uint64_t> key_of(const CatalogSnapshotKey& snapshot) {
  return {snapshot.node, snapshot.sequence};
}

bool is_final(const CatalogSnapshotMark& mark, const CollectionRecord& collection) {
  return mark.deleted && *mark.deleted < collection.judged_before;
}

// A batch adds after it has removed: what came and went within one must not be added at all.
void remove_snapshot(const CatalogSnapshotKey& snapshot, CatalogBatch& behind) {
  std::erase_if(behind.commits, [&](const CatalogCommit& commit) {
    return commit.node == snapshot.node && commit.snapshot.sequence == snapshot.sequence;
  });
  behind.removed_snapshots.push_back(snapshot);
}

}  // namespace

void SnapshotMarks::load(const std::vector<CatalogSnapshotMark>& marks) {
  for (const CatalogSnapshotMark& mark : marks)
    marks_[key_of(mark.snapshot)] = mark;
}

void SnapshotMarks::set(const CatalogSnapshotMark& mark, CatalogBatch& behind) {
  marks_.erase(key_of(mark.snapshot));
  if (!mark.says_nothing()) marks_.emplace(key_of(mark.snapshot), mark);
  behind.snapshot_marks.push_back(mark);
}

bool SnapshotMarks::take(const DeletionRecord& deletion, CatalogBatch& behind) {
  CatalogSnapshotMark mark = of({deletion.node, deletion.sequence});
  if (mark.deleted) return false;
  mark.deleted = deletion.made;
  set(mark, behind);
  return true;
}

bool SnapshotMarks::take(const UndeletionRecord& undeletion, CatalogBatch& behind) {
  CatalogSnapshotMark mark = of({undeletion.node, undeletion.sequence});
  if (!mark.deleted) return false;
  mark.deleted.reset();
  set(mark, behind);
  return true;
}

void SnapshotMarks::take(const PinRecord& pin, CatalogBatch& behind) {
  CatalogSnapshotMark mark = of({pin.node, pin.sequence});
  const bool by_administrator = pin.by == PinAuthority::administrator;
  if (by_administrator) mark.pinned_by_administrator = pin.pinned;
  // An administrator's word ends the node's pin as well; a node's own holds for a while after it was taken
  // back, so that whoever got hold of its credential can't make history shorter at once.
  if (!by_administrator || !pin.pinned) {
    const bool held = mark.pinned_by_node;
    mark.pinned_by_node = pin.pinned;
    if (pin.pinned || by_administrator) mark.released.reset();
    if (held && !pin.pinned && !by_administrator) mark.released = pin.made;
  }
  set(mark, behind);
}

void SnapshotMarks::take(const CollectionRecord& collection, CatalogBatch& behind) {
  std::vector<CatalogSnapshotKey> gone;
  for (const auto& [key, mark] : marks_) {
    if (is_final(mark, collection)) gone.push_back(mark.snapshot);
  }
  for (const CatalogSnapshotKey& snapshot : gone) {
    set({.snapshot = snapshot}, behind);
    remove_snapshot(snapshot, behind);
  }
}

CatalogSnapshotMark SnapshotMarks::of(const CatalogSnapshotKey& snapshot) const {
  const auto found = marks_.find(key_of(snapshot));
  return found == marks_.end() ? CatalogSnapshotMark{.snapshot = snapshot} : found->second;
}

bool SnapshotMarks::is_deleted(const CatalogSnapshotKey& snapshot) const {
  return of(snapshot).deleted.has_value();
}

std::uint64_t SnapshotMarks::deleted_count(std::uint32_t node) const {
  const auto marks = of_node(node);
  return static_cast<std::uint64_t>(
      std::ranges::count_if(marks, [](const CatalogSnapshotMark& mark) { return mark.deleted.has_value(); }));
}

std::vector<CatalogSnapshotMark> SnapshotMarks::of_node(std::uint32_t node) const {
  std::vector<CatalogSnapshotMark> found;
  for (auto mark = marks_.lower_bound({node, 0}); mark != marks_.end() && mark->first.first == node; ++mark)
    found.push_back(mark->second);
  return found;
}

}  // namespace rb
