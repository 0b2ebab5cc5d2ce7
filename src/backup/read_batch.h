// Entries of one directory that are decided together: some to be read, some to be asked about, some settled
// already and only standing in line. A leaf of the pool's work; its results are taken in name order.
#pragma once

#include "backup/walk_context.h"

namespace rb {

// One entry on its way into the directory.
struct BatchItem {
  enum class Kind : std::uint8_t {
    settled,  // `result` is what to store; its outcome has been told
    removed,  // what the copy has of this name (`result`'s) goes
    cached,   // `result` is what the cache says, and the store holds it
    reuse,    // `result` is what the cache says: taken if the store holds the contents, else the file is read
    unseen,   // to be read, and nobody looked at it yet: a regular file, says the list
    read,     // likewise, and `stat` is what it looks like
    read_shared,  // a large file: when its turn comes, several threads read it
  };
  Kind kind = Kind::read;
  const char* name = nullptr;  // stays with the directory's list; for those to be read
  FileStat stat;
  bool rechecked = false;     // looked unchanged and is read to make sure
  bool counted = true;        // among the files that were seen
  std::optional<Entry> head;  // what the copy has
  ReadResult result;
};

class ReadBatch final : public WorkerPool::Leaf {
 public:
  // Borrows the context. Keeps the directory, with which the items' names live.
  ReadBatch(WalkContext& context, std::shared_ptr<const OpenDirectory> parent)
      : context_(context), parent_(std::move(parent)) {}

  void add(BatchItem item);
  bool empty() const { return items_.empty(); }
  // Large enough to be handed to another thread.
  bool full() const;
  // Whether anything is to be done before the results can be taken.
  bool needs_work() const { return work_ > 0; }
  std::size_t size() const { return items_.size(); }

  void run(Worker& worker) override;

  // One item of kind `unseen`, which becomes another, or `read`.
  static void read(const WalkContext& context, const OpenDirectory& parent, BatchItem& item, Worker& worker);
  // What is known of an item that is read.
  static FileReader::Help help_with(const WalkContext& context, const BatchItem& item);

  std::vector<BatchItem>& items() { return items_; }

 private:
  Status ask();

  WalkContext& context_;
  const std::shared_ptr<const OpenDirectory> parent_;
  std::vector<BatchItem> items_;
  std::size_t work_ = 0;  // items to be asked about or read
  std::size_t reads_ = 0;
  std::uint64_t bytes_to_read_ = 0;
};

// How a file is read.
BatchItem::Kind kind_of_reading(const FileStat& stat);

// The objects an entry names itself: content and large extended attributes.
void append_refs(const Entry& entry, std::vector<ObjectId>& refs);

}  // namespace rb
