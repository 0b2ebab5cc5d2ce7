#include "repository/memory_catalog.h"

#include <algorithm>
#include <set>

namespace rb {

namespace {

template <typename Key, typename Value>
std::vector<Value> values_of(const std::map<Key, Value>& map) {
  std::vector<Value> values;
  for (const auto& [key, value] : map)
    values.push_back(value);
  return values;
}

}  // namespace

MemoryCatalog::MemoryCatalog(std::shared_ptr<MemoryCatalogLog> log) : log_(std::move(log)) {
  state_.repository = log_->repository;
  for (const CatalogBatch& batch : log_->batches)
    take(batch);
}

Result<CatalogState> MemoryCatalog::state() {
  const std::lock_guard lock(mutex_);
  return state_;
}

Result<std::map<std::uint32_t, std::uint64_t>> MemoryCatalog::object_counts() {
  const std::lock_guard lock(mutex_);
  return counts_;
}

Result<std::map<std::uint32_t, std::uint64_t>> MemoryCatalog::stored_bytes() {
  const std::lock_guard lock(mutex_);
  return stored_bytes_;
}

Result<std::vector<CatalogNode>> MemoryCatalog::nodes() {
  const std::lock_guard lock(mutex_);
  return values_of(nodes_);
}

Result<std::vector<DomainRecord>> MemoryCatalog::domains() {
  const std::lock_guard lock(mutex_);
  return values_of(domains_);
}

Result<std::vector<CatalogCredential>> MemoryCatalog::credentials() {
  const std::lock_guard lock(mutex_);
  return values_of(credentials_);
}

Result<std::vector<CatalogInvitation>> MemoryCatalog::invitations() {
  const std::lock_guard lock(mutex_);
  return values_of(invitations_);
}

Result<std::vector<CatalogSnapshotMark>> MemoryCatalog::snapshot_marks() {
  const std::lock_guard lock(mutex_);
  return values_of(snapshot_marks_);
}

Result<std::vector<std::uint64_t>> MemoryCatalog::packs() {
  const std::lock_guard lock(mutex_);
  std::vector<std::uint64_t> packs;
  for (const auto& [number, row] : packs_)
    packs.push_back(number);
  return packs;
}

Result<std::vector<CatalogPack>> MemoryCatalog::pack_rows() {
  const std::lock_guard lock(mutex_);
  return values_of(packs_);
}

Result<std::shared_ptr<const DeadSet>> MemoryCatalog::dead_set() {
  const std::lock_guard lock(mutex_);
  return dead_set_;
}

Result<std::vector<ObjectNumber>> MemoryCatalog::begins() {
  const std::lock_guard lock(mutex_);
  return begins_;
}

// What is visited is copied first, so that the visitor may call the catalog.
Status MemoryCatalog::visit_objects(std::uint32_t domain, const std::optional<ObjectId>& after,
                                    std::size_t limit, const ObjectVisitor& visit) {
  std::vector<std::pair<ObjectId, ObjectRow>> found;
  {
    const std::lock_guard lock(mutex_);
    const auto& rows = rows_[domain];
    for (auto row = after ? rows.upper_bound(*after) : rows.begin(); row != rows.end(); ++row) {
      if (found.size() == limit) break;
      found.push_back(*row);
    }
  }
  for (const auto& [id, row] : found)
    RB_TRY(visit(id, row));
  return {};
}

Status MemoryCatalog::visit_children(ObjectNumber below, std::size_t limit, const ChildrenVisitor& visit) {
  std::vector<std::pair<ObjectNumber, std::vector<ObjectNumber>>> found;
  {
    const std::lock_guard lock(mutex_);
    auto row = children_.lower_bound(below);
    while (row != children_.begin() && found.size() < limit)
      found.push_back(*--row);
  }
  for (auto& [number, children] : found)
    RB_TRY(visit(number, std::move(children)));
  return {};
}

Status MemoryCatalog::visit_commits(const CommitVisitor& visit) {
  std::vector<CatalogCommit> found;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [node, history] : history_) {
      for (const auto& [sequence, commit] : history)
        found.push_back(commit);
    }
  }
  for (const CatalogCommit& commit : found)
    RB_TRY(visit(commit));
  return {};
}

Result<std::vector<std::optional<ObjectRow>>> MemoryCatalog::find(std::uint32_t domain,
                                                                  std::span<const ObjectId> ids) {
  const std::lock_guard lock(mutex_);
  std::vector<std::optional<ObjectRow>> out(ids.size());
  const auto rows = rows_.find(domain);
  if (rows == rows_.end()) return out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (const auto row = rows->second.find(ids[i]); row != rows->second.end()) out[i] = row->second;
  }
  return out;
}

Result<std::vector<ObjectNumber>> MemoryCatalog::children(ObjectNumber number) {
  const std::lock_guard lock(mutex_);
  const auto found = children_.find(number);
  return found == children_.end() ? std::vector<ObjectNumber>{} : found->second;
}

Result<std::vector<SnapshotInfo>> MemoryCatalog::snapshots(std::uint32_t node, std::uint64_t before_sequence,
                                                           std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<SnapshotInfo> out;
  const auto& history = history_[node];
  for (auto s = history.rbegin(); s != history.rend() && out.size() < limit; ++s) {
    if (s->first < before_sequence) out.push_back(s->second.snapshot);
  }
  return out;
}

Result<std::uint64_t> MemoryCatalog::snapshot_count(std::uint32_t node) {
  const std::lock_guard lock(mutex_);
  return history_[node].size();
}

std::optional<SnapshotInfo> MemoryCatalog::find_snapshot(
    std::uint32_t node, const std::function<bool(const SnapshotInfo&)>& wanted) const {
  const auto history = history_.find(node);
  if (history == history_.end()) return std::nullopt;
  for (const auto& [sequence, commit] : history->second) {
    if (wanted(commit.snapshot)) return commit.snapshot;
  }
  return std::nullopt;
}

Result<std::optional<CatalogCommit>> MemoryCatalog::commit_at(const CatalogSnapshotKey& snapshot) {
  const std::lock_guard lock(mutex_);
  const auto& history = history_[snapshot.node];
  const auto found = history.find(snapshot.sequence);
  if (found == history.end()) return std::nullopt;
  return found->second;
}

Result<std::optional<SnapshotInfo>> MemoryCatalog::commit_of(std::uint32_t node, const RunId& run) {
  const std::lock_guard lock(mutex_);
  return find_snapshot(node, [&](const SnapshotInfo& s) { return s.run == run; });
}

Result<std::optional<SnapshotInfo>> MemoryCatalog::snapshot(std::uint32_t node, const SnapshotId& id) {
  const std::lock_guard lock(mutex_);
  return find_snapshot(node, [&](const SnapshotInfo& s) { return s.id == id; });
}

Status MemoryCatalog::apply(const CatalogBatch& batch) {
  const std::lock_guard lock(mutex_);
  RB_TRY(log_->begin_write());
  log_->batches.push_back(batch);
  take(batch);
  return {};
}

void MemoryCatalog::take_removals(const CatalogBatch& batch) {
  for (const CatalogKey& key : batch.removed_objects)
    rows_[key.domain].erase(key.id);
  for (const ObjectNumber number : batch.removed_children)
    children_.erase(number);
  for (const std::uint64_t pack : batch.removed_packs)
    packs_.erase(pack);
  for (const CatalogSnapshotKey& key : batch.removed_snapshots)
    history_[key.node].erase(key.sequence);
  if (batch.lift_dead_set) dead_set_.reset();
}

void MemoryCatalog::take_objects(const CatalogBatch& batch) {
  for (const CatalogPack& pack : batch.pack_rows)
    packs_[pack.pack] = pack;
  for (const CatalogObject& object : batch.objects) {
    rows_[object.domain][object.id] = object.row;
    packs_.try_emplace(object.row.at.pack, CatalogPack{.pack = object.row.at.pack});
    if (object.children.empty()) continue;
    std::set<ObjectNumber> sorted(object.children.begin(), object.children.end());
    children_[object.row.number].assign(sorted.begin(), sorted.end());
  }
}

Status MemoryCatalog::persist() {
  const std::lock_guard lock(mutex_);
  RB_TRY(log_->begin_write());
  log_->persisted = log_->batches.size();
  return {};
}

void MemoryCatalog::take(const CatalogBatch& batch) {
  take_removals(batch);
  take_objects(batch);
  if (batch.dead_set) dead_set_ = batch.dead_set;
  if (batch.begins) begins_ = *batch.begins;
  for (const auto& [domain, count] : batch.object_counts)
    counts_[domain] = count;
  for (const auto& [node, bytes] : batch.stored_bytes)
    stored_bytes_[node] = bytes;
  for (const CatalogNode& node : batch.nodes)
    nodes_[node.record.node] = node;
  for (const DomainRecord& domain : batch.domains)
    domains_[domain.domain] = domain;
  for (const CatalogCredential& credential : batch.credentials)
    credentials_[credential.id] = credential;
  for (const CatalogInvitation& invitation : batch.invitations)
    invitations_[invitation.record.id] = invitation;
  for (const CatalogCommit& commit : batch.commits) {
    history_[commit.node][commit.snapshot.sequence] = commit;
  }
  for (const CatalogSnapshotMark& mark : batch.snapshot_marks) {
    const std::pair key(mark.snapshot.node, mark.snapshot.sequence);
    snapshot_marks_.erase(key);
    if (!mark.says_nothing()) snapshot_marks_.emplace(key, mark);
  }
  if (batch.times) state_.times = *batch.times;
  if (batch.packs) state_.packs = *batch.packs;
  if (batch.counted) state_.counted = *batch.counted;
  if (batch.journal) state_.journal = *batch.journal;
  if (batch.next_number) state_.next_number = *batch.next_number;
}

Status MemoryCatalog::clear(const RepositoryId& repository) {
  const std::lock_guard lock(mutex_);
  log_->repository = repository;
  log_->batches.clear();
  log_->persisted = 0;
  state_ = CatalogState{.repository = repository};
  counts_.clear();
  stored_bytes_.clear();
  nodes_.clear();
  domains_.clear();
  credentials_.clear();
  invitations_.clear();
  rows_.clear();
  children_.clear();
  history_.clear();
  snapshot_marks_.clear();
  packs_.clear();
  dead_set_.reset();
  begins_.clear();
  return {};
}

}  // namespace rb
