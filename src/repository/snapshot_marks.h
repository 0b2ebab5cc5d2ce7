// What became of snapshots after their commit, as the journal says: deleted, undeleted, pinned, or judged by
// a collection and gone. Part of NodeBook, whose locks guard it.
#pragma once

#include <map>
#include <vector>

#include "repository/catalog.h"

namespace rb {

class SnapshotMarks {
 public:
  void load(const std::vector<CatalogSnapshotMark>& marks);

  // Each notes in `behind` what the catalog has to learn. The first two: whether it changed anything.
  bool take(const DeletionRecord& deletion, CatalogBatch& behind);
  bool take(const UndeletionRecord& undeletion, CatalogBatch& behind);
  void take(const PinRecord& pin, CatalogBatch& behind);
  // The snapshots whose deletion is final now leave the catalog.
  void take(const CollectionRecord& collection, CatalogBatch& behind);

  CatalogSnapshotMark of(
      const CatalogSnapshotKey& snapshot) const;  // one that says nothing, where there is none
  bool is_deleted(const CatalogSnapshotKey& snapshot) const;
  std::uint64_t deleted_count(std::uint32_t node) const;
  std::vector<CatalogSnapshotMark> of_node(std::uint32_t node) const;  // by sequence

 private:
  using Key = std::pair<std::uint32_t, std::uint64_t>;  // node, sequence
  void set(const CatalogSnapshotMark& mark, CatalogBatch& behind);

  std::map<Key, CatalogSnapshotMark> marks_;  // none that says nothing
};

}  // namespace rb
