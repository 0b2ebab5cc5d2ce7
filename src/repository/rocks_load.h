// Many rows at once into the catalog's database: each batch becomes a sorted file of its own, written past
// the memtable and handed over whole. Such a file is there after a crash or it is not, and what came before
// it is there too: a batch stays one step. Files pile up at level 0, unsorted among each other, and are
// merged when there are many, and in the end. Not thread-safe.
#pragma once

#include <string>

#include <rocksdb/db.h>

#include "repository/catalog.h"

namespace rb {

class RocksLoad {
 public:
  // Both must outlive it, or the load must not go on.
  RocksLoad(rocksdb::DB& db, const rocksdb::Options& options);

  // The batch has nothing but what move_to_catalog() moves: no removals.
  Status add(const CatalogBatch& batch);
  // Merges what was loaded, and lets the database go on as it does otherwise.
  Status finish();

 private:
  Status write_file(const CatalogBatch& batch);
  Status hand_over();
  Status merge();

  rocksdb::DB& db_;
  const rocksdb::Options options_;
  const std::string path_;
  bool is_begun_ = false;
  int unmerged_files_ = 0;
};

}  // namespace rb
