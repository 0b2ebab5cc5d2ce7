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

Result<std::vector<std::uint64_t>> MemoryCatalog::packs() {
  const std::lock_guard lock(mutex_);
  std::set<std::uint64_t> packs;
  for (const auto& [domain, rows] : rows_) {
    for (const auto& [id, row] : rows)
      packs.insert(row.at.pack);
  }
  return std::vector<std::uint64_t>(packs.begin(), packs.end());
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
    if (s->first < before_sequence) out.push_back(s->second);
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
  for (const auto& [sequence, snapshot] : history->second) {
    if (wanted(snapshot)) return snapshot;
  }
  return std::nullopt;
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
  log_->batches.push_back(batch);
  take(batch);
  return {};
}

void MemoryCatalog::take(const CatalogBatch& batch) {
  for (const CatalogObject& object : batch.objects) {
    rows_[object.domain][object.id] = object.row;
    if (object.children.empty()) continue;
    std::set<ObjectNumber> sorted(object.children.begin(), object.children.end());
    children_[object.row.number].assign(sorted.begin(), sorted.end());
  }
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
    history_[commit.node][commit.snapshot.sequence] = commit.snapshot;
  }
  if (batch.packs) state_.packs = *batch.packs;
  if (batch.counted) state_.counted = *batch.counted;
  if (batch.journal) state_.journal = *batch.journal;
  if (batch.next_number) state_.next_number = *batch.next_number;
}

Status MemoryCatalog::clear(const RepositoryId& repository) {
  const std::lock_guard lock(mutex_);
  log_->repository = repository;
  log_->batches.clear();
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
  return {};
}

}  // namespace rb
