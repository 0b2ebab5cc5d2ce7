// Does what a batch says: makes the files that need nothing, fetches the chunks of the others, and writes
// them where they belong. Blocks come in the order that suits the store's disk and are unpacked right where
// they arrive. What a block holds for the batches of other workers, or for those that still wait, is written
// too, so that it need not be fetched again for them: those who backed up wrote side by side, so neighbours
// share blocks. One per thread.
#pragma once

#include "chunk/block_codec.h"
#include "restore/batch.h"
#include "restore/file_writer.h"

namespace rb {

class BatchWorker {
 public:
  // Borrows all of them.
  BatchWorker(Session& session, BatchQueue& queue, FileWriter& writer, RunContext& context)
      : session_(session), queue_(queue), writer_(writer), context_(context) {}

  void process(RestoreBatch& batch);
  // Between batches: no directory is kept alive by what was used last.
  void rest() { lease_ = {}; }

 private:
  void make_plain(FileTask* task);
  // Fetches the slots that nobody has taken by then, and writes them. What can't be had is sought out by
  // halving: one damaged object, or one that is not there, spoils only itself.
  void fetch(RestoreBatch& batch, std::vector<RestoreBatch::Slot*> slots, Neighbours neighbours);
  Status use_block(RestoreBatch& batch, ByteView block);
  bool use_item(RestoreBatch& batch, std::size_t index);
  void write_slot(RestoreBatch& batch, RestoreBatch::Slot& slot, ByteView payload);
  void fail_slot(RestoreBatch& batch, RestoreBatch::Slot& slot, const Error& error);

  Session& session_;
  BatchQueue& queue_;
  FileWriter& writer_;
  RunContext& context_;
  BlockReader reader_;
  DirectoryLease lease_;
  std::optional<Error> damage_;  // of the block that was seen last
};

}  // namespace rb
