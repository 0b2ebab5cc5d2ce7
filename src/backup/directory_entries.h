// The second phase of one directory: what becomes of each name that the directory or the copy has.
//
// The names of the directory and of the copy are merged in order. What looks as the cache remembers it is
// taken from there; the rest is read, in batches that other threads may take, and the results are put into
// the directory in name order. At most a bounded number of entries is under way, whatever the directory's
// size.
#pragma once

#include <deque>

#include "backup/deletion_guard.h"
#include "backup/directory_output.h"
#include "backup/directory_task.h"
#include "backup/read_batch.h"
#include "backup/stat_ahead.h"

namespace rb {

class DirectoryEntries {
 public:
  DirectoryEntries(DirectoryTask& task, Worker& worker);

  // An error is the store's, or a refusal to delete (Errc::invalid_argument), or means that the run was
  // stopped.
  Result<DirectoryOutput::Finished> decide();

 private:
  using Known = DirectoryKnowledge::Known;

  // One name that is in the directory.
  Status decide_present(std::size_t index);
  Status decide_child(std::size_t index, const Known& known, ChildResult& child);
  Status decide_file(std::size_t index, const Known& known);
  Status decide_unseen(const char* name, const Known& known);
  Status decide_unwalked_directory(const char* name, const Known& known);
  Status decide_cached(const char* name, const Known& known, const FileStat& stat);
  void count_unchanged(const char* name, const FileStat& stat);
  // One that only the copy has.
  Status decide_absent(const Known& known);

  Status absent(Entry head);
  Status excluded(const Known& known);
  Status keep(Entry head, KeptReason reason);
  Status keep_as_it_is(const Known& known);
  Status unreadable(const char* name, const Known& known, const std::string& why);

  bool nothing_waits() const { return open_->empty() && batches_.empty(); }
  bool is_excluded(std::string_view name) const;
  bool is_unseen(std::size_t index, const Known& known);
  bool looks_as_cached(const Known& known, const FileStat& stat) const;
  Result<std::optional<Entry>> head_of(const Known& known);

  // Everything that goes into the directory, or out of it, comes through here, in name order.
  Status put(BatchItem item);
  bool is_read_at_once(const BatchItem& item) const;
  Status put_settled(Entry entry, const Signature& signature);
  Status put_removed(std::string name);
  Status submit_batch();
  Status take_first_batch();
  Status take_all();
  Status take_items(ReadBatch& batch);
  Status take(BatchItem& item);
  void read_shared(BatchItem& item);
  Status take_read(BatchItem& item);
  Status store(Entry entry, const Signature& signature);

  DirectoryTask& task_;
  Worker& worker_;
  WalkContext& context_;
  const std::string& path_;
  std::unique_ptr<CachedDirectory> cached_;  // declared before what reads it
  DirectoryOutput output_;
  DirectoryKnowledge knowledge_;
  StatAhead looks_;
  DeletionGuard guard_;
  WalkTally tally_;
  std::size_t next_child_ = 0;
  std::shared_ptr<ReadBatch> open_;                 // collects items
  std::deque<std::shared_ptr<ReadBatch>> batches_;  // submitted, in order
  std::size_t under_way_ = 0;                       // items in both
  std::size_t reads_at_once_ = 0;
  std::optional<bool> own_clock_;  // has_own_clock(), once it was asked
  bool taking_ = false;            // an entry's turn has come: it is stored at once
};

}  // namespace rb
