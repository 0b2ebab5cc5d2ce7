// Looks at the files of one directory in name order, ahead of whoever asks: in batches that any thread of the
// pool may take, so that all cores look at a directory of a million files. In a small directory nobody looks
// ahead. Not thread-safe.
#pragma once

#include <deque>

#include "backup/worker_pool.h"
#include "scan/directory.h"

namespace rb {

class StatAhead {
 public:
  // Borrows the pool. Batches under way keep the other two.
  StatAhead(WorkerPool& pool, std::shared_ptr<const OpenDirectory> directory,
            std::shared_ptr<const NameList> names);

  // As OpenDirectory::stat() of that name: at the earliest some thousand names ago. Requires: no index before
  // was greater.
  Result<FileStat> look(std::size_t index, Worker& worker);

 private:
  class Batch;
  void submit_ahead();

  WorkerPool& pool_;
  const std::shared_ptr<const OpenDirectory> directory_;
  const std::shared_ptr<const NameList> names_;
  std::size_t next_ = 0;                        // the first name that is in no batch
  std::deque<std::shared_ptr<Batch>> batches_;  // submitted, in order; after `current_`
  std::shared_ptr<Batch> current_;              // has run
};

}  // namespace rb
