// A catalog in memory, for tests. Its log stands for the disk: a catalog made from a log holds what the log's
// batches say, and a test that cuts the log's tail off has a crash in which the last batches were lost.
#pragma once

#include <memory>
#include <mutex>

#include "repository/catalog.h"

namespace rb {

struct MemoryCatalogLog {
  RepositoryId repository;
  std::vector<CatalogBatch> batches;
  std::size_t persisted = 0;  // the first so many are there after any crash
  // Batches and persist() that still succeed; then the disk is full.
  std::size_t writes_left = SIZE_MAX;
  bool write_failed = false;

  Status begin_write() {
    if (writes_left == 0) {
      write_failed = true;
      return fail(Errc::no_space, "writing the catalog: no space is left");
    }
    if (writes_left != SIZE_MAX) --writes_left;
    return {};
  }
};

class MemoryCatalog final : public Catalog {
 public:
  explicit MemoryCatalog(std::shared_ptr<MemoryCatalogLog> log = std::make_shared<MemoryCatalogLog>());

  Result<CatalogState> state() override;
  Result<std::map<std::uint32_t, std::uint64_t>> object_counts() override;
  Result<std::map<std::uint32_t, std::uint64_t>> stored_bytes() override;
  Result<std::vector<CatalogNode>> nodes() override;
  Result<std::vector<DomainRecord>> domains() override;
  Result<std::vector<CatalogCredential>> credentials() override;
  Result<std::vector<CatalogInvitation>> invitations() override;
  Result<std::vector<CatalogSnapshotMark>> snapshot_marks() override;
  Result<std::vector<std::uint64_t>> packs() override;
  Result<std::vector<CatalogPack>> pack_rows() override;
  Result<std::vector<std::optional<ObjectRow>>> find(std::uint32_t domain,
                                                     std::span<const ObjectId> ids) override;
  Result<std::vector<ObjectNumber>> children(ObjectNumber number) override;
  Result<std::shared_ptr<const DeadSet>> dead_set() override;
  Result<std::vector<ObjectNumber>> begins() override;
  Status visit_objects(std::uint32_t domain, const std::optional<ObjectId>& after, std::size_t limit,
                       const ObjectVisitor& visit) override;
  Status visit_children(ObjectNumber below, std::size_t limit, const ChildrenVisitor& visit) override;
  Status visit_commits(const CommitVisitor& visit) override;
  Result<std::vector<SnapshotInfo>> snapshots(std::uint32_t node, std::uint64_t before_sequence,
                                              std::size_t limit) override;
  Result<std::uint64_t> snapshot_count(std::uint32_t node) override;
  Result<std::optional<CatalogCommit>> commit_at(const CatalogSnapshotKey& snapshot) override;
  Result<std::optional<SnapshotInfo>> commit_of(std::uint32_t node, const RunId& run) override;
  Result<std::optional<SnapshotInfo>> snapshot(std::uint32_t node, const SnapshotId& id) override;
  Status apply(const CatalogBatch& batch) override;
  Status persist() override;
  Status clear(const RepositoryId& repository) override;

 private:
  void take(const CatalogBatch& batch);
  void take_removals(const CatalogBatch& batch);
  void take_objects(const CatalogBatch& batch);
  std::optional<SnapshotInfo> find_snapshot(std::uint32_t node,
                                            const std::function<bool(const SnapshotInfo&)>& wanted) const;

  std::mutex mutex_;
  std::shared_ptr<MemoryCatalogLog> log_;
  CatalogState state_;
  std::map<std::uint32_t, std::uint64_t> counts_, stored_bytes_;
  std::map<std::uint32_t, CatalogNode> nodes_;
  std::map<std::uint32_t, DomainRecord> domains_;
  std::map<CredentialId, CatalogCredential> credentials_;
  std::map<CredentialId, CatalogInvitation> invitations_;
  std::map<std::uint32_t, std::map<ObjectId, ObjectRow>> rows_;
  std::map<ObjectNumber, std::vector<ObjectNumber>> children_;
  std::map<std::uint32_t, std::map<std::uint64_t, CatalogCommit>> history_;  // node, sequence
  std::map<std::pair<std::uint32_t, std::uint64_t>, CatalogSnapshotMark> snapshot_marks_;
  std::map<std::uint64_t, CatalogPack> packs_;
  std::shared_ptr<const DeadSet> dead_set_;
  std::vector<ObjectNumber> begins_;
};

}  // namespace rb
