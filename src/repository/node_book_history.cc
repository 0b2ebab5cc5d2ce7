// What stays of the histories: deletion, undeletion, pins, and what collections have judged.
#include <algorithm>

#include "repository/node_book.h"

namespace rb {

namespace {

constexpr std::size_t kPageSnapshots = 1000;

std::unexpected<Error> no_such_snapshot() {
  return fail(Errc::not_found, "the node has no such snapshot");
}

}  // namespace

void NodeBook::take_history(const JournalRecord& record) {
  if (const auto* deletion = std::get_if<DeletionRecord>(&record)) {
    const auto head = heads_.find(deletion->node);
    if (head != heads_.end() && head->second.sequence == deletion->sequence) return;
    std::uint64_t& count = snapshot_counts_[deletion->node];
    if (marks_.take(*deletion, behind_) && count > 0) --count;
  } else if (const auto* undeletion = std::get_if<UndeletionRecord>(&record)) {
    if (marks_.take(*undeletion, behind_)) ++snapshot_counts_[undeletion->node];
  } else if (const auto* pin = std::get_if<PinRecord>(&record)) {
    marks_.take(*pin, behind_);
  } else if (const auto* collection = std::get_if<CollectionRecord>(&record)) {
    marks_.take(*collection, behind_);
    times_.judged_before =
        std::max(times_.judged_before.value_or(collection->judged_before), collection->judged_before);
    times_.last_collection = collection->made;
  } else if (const auto* pruning = std::get_if<PruningRecord>(&record)) {
    times_.last_pruning = pruning->made;
  }
}

void NodeBook::take_time(const JournalRecord& record) {
  const std::optional<Timestamp> made = journal_time_of(record);
  if (!made) return;
  times_.newest = std::max(times_.newest.value_or(*made), *made);
  behind_.times = times_;
}

CatalogTimes NodeBook::times() const {
  const std::shared_lock lock(state_mutex_);
  return times_;
}

CatalogSnapshotMark NodeBook::mark_of(const CatalogSnapshotKey& snapshot) const {
  const std::shared_lock lock(state_mutex_);
  return marks_.of(snapshot);
}

std::vector<CatalogSnapshotMark> NodeBook::marks_of_node(std::uint32_t node) const {
  const std::shared_lock lock(state_mutex_);
  return marks_.of_node(node);
}

Result<std::vector<MarkedSnapshot>> NodeBook::history(std::uint32_t node) {
  RB_TRY(await_catalog());
  std::vector<MarkedSnapshot> history;
  std::uint64_t before = UINT64_MAX;
  while (true) {
    RB_TRY(const auto page, catalog_.snapshots(node, before, kPageSnapshots));
    if (page.empty()) return history;
    before = page.back().sequence;
    for (const SnapshotInfo& info : page)
      history.push_back({info, mark_of({node, info.sequence})});
  }
}

Result<std::vector<SnapshotInfo>> NodeBook::snapshots(std::uint32_t node, const SnapshotQuery& query) {
  RB_TRY(await_catalog());
  const std::size_t limit = std::min(query.limit, kPageSnapshots);
  std::vector<SnapshotInfo> found;
  std::uint64_t before = query.before_sequence;
  while (found.size() < limit) {
    RB_TRY(auto page, catalog_.snapshots(node, before, kPageSnapshots));
    if (page.empty()) break;
    before = page.back().sequence;
    for (SnapshotInfo& info : page) {
      const CatalogSnapshotMark mark = mark_of({node, info.sequence});
      if (mark.deleted.has_value() != query.deleted || found.size() == limit) continue;
      info.pinned = mark.pinned_by_administrator || mark.pinned_by_node;
      info.gone_after = mark.deleted;
      found.push_back(info);
    }
  }
  return found;
}

Status NodeBook::visit_kept(const Timestamp& judged_before, const CommitVisitor& visit) {
  {
    const std::lock_guard lock(changes_);
    RB_TRY(prepare());
    judging_before_ = std::max(judging_before_, judged_before);
  }
  return catalog_.visit_commits([&](const CatalogCommit& commit) -> Status {
    const CatalogSnapshotMark mark = mark_of({commit.node, commit.snapshot.sequence});
    if (mark.deleted && *mark.deleted < judged_before) return {};
    return visit(commit);
  });
}

// Requires: changes_.
Timestamp NodeBook::time_of_deletion() const {
  return std::max({clock_.wall(), judging_before_, times_.judged_before.value_or(judging_before_)});
}

// One record each: what was judged together is right one by one, so a crash half-way leaves nothing to undo.
Result<std::uint64_t> NodeBook::delete_snapshots(std::uint32_t node,
                                                 std::span<const std::uint64_t> sequences) {
  std::uint64_t deleted = 0;
  for (const std::uint64_t sequence : sequences) {
    const std::lock_guard lock(changes_);  // for each: commits go on beside
    RB_TRY(prepare());
    const auto head = heads_.find(node);
    if (head == heads_.end() || head->second.sequence == sequence) continue;
    const CatalogSnapshotMark mark = marks_.of({node, sequence});
    if (mark.deleted || mark.pinned_by_administrator || mark.pinned_by_node) continue;
    RB_TRY(const auto commit, catalog_.commit_at({node, sequence}));
    if (!commit) continue;
    RB_TRY(change(DeletionRecord{.made = time_of_deletion(), .node = node, .sequence = sequence}));
    ++deleted;
  }
  return deleted;
}

Status NodeBook::undelete(const CatalogSnapshotKey& snapshot,
                          const std::function<Status(std::uint32_t domain, const ObjectId& object)>& admit) {
  const std::lock_guard lock(changes_);
  RB_TRY(prepare());
  RB_TRY(const auto found, catalog_.commit_at(snapshot));
  if (!found || node_numbered(snapshot.node) == nullptr) return no_such_snapshot();
  if (!marks_.is_deleted(snapshot)) return {};
  // In the domain that it was made in, whichever the node is in by now.
  RB_TRY(admit(found->domain, found->snapshot.object));
  RB_TRY(
      change(UndeletionRecord{.made = clock_.wall(), .node = snapshot.node, .sequence = snapshot.sequence}));
  return {};
}

Status NodeBook::pin(const CatalogSnapshotKey& snapshot, bool pinned, PinAuthority by,
                     const std::function<Status()>& admit) {
  const std::lock_guard lock(changes_);
  RB_TRY(prepare());
  RB_TRY(const auto found, catalog_.commit_at(snapshot));
  if (!found) return no_such_snapshot();
  const CatalogSnapshotMark mark = marks_.of(snapshot);
  if (mark.deleted) return fail(Errc::not_found, "the snapshot is deleted");
  const bool by_node = by == PinAuthority::node;
  const bool anyhow = !pinned && !by_node && mark.pinned_by_node;
  const bool present = by_node ? mark.pinned_by_node : mark.pinned_by_administrator;
  if (present == pinned && !anyhow && (by_node || pinned || !mark.released)) return {};
  RB_TRY(admit());
  RB_TRY(change(PinRecord{.made = clock_.wall(),
                          .node = snapshot.node,
                          .sequence = snapshot.sequence,
                          .pinned = pinned,
                          .by = by}));
  return {};
}

Status NodeBook::note_collection(const Timestamp& judged_before) {
  const std::lock_guard lock(changes_);
  RB_TRY(change(CollectionRecord{.made = clock_.wall(), .judged_before = judged_before}));
  return {};
}

Status NodeBook::note_pruning(std::uint64_t deleted) {
  const std::lock_guard lock(changes_);
  RB_TRY(change(PruningRecord{.made = clock_.wall(), .deleted = deleted}));
  return {};
}

Result<NodeRecord> NodeBook::node_called(const std::string& name) const {
  const std::shared_lock lock(state_mutex_);
  const CatalogNode* node = node_named(name);
  if (node == nullptr) return fail(Errc::not_found, "there is no node \"" + name + "\"");
  return node->record;
}

}  // namespace rb
