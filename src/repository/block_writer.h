// Takes blocks in: checks them, appends them to the packs, makes them durable in groups, and moves what the
// index in memory can't hold to the catalog. Thread-safe.
//
// Appending is one serialised step: no reference that was checked can go away, and no object come twice,
// between the check and the row. The fence is looked at inside it.
#pragma once

#include <condition_variable>
#include <functional>
#include <vector>

#include "format/block.h"
#include "repository/acceptance.h"
#include "repository/pack_store.h"
#include "repository/session_state.h"

namespace rb {

struct BlockWriterLimits {
  std::size_t table_rows = 32768;  // when the table moves to the catalog; at twice that, writers wait
  std::uint64_t move_bytes = 512ull << 20;  // ... or when so much was appended: a restart reads it all again
  std::uint64_t persist_bytes = 1024ull << 20;  // when the catalog is made durable, for the same reason
};

class BlockWriter {
 public:
  BlockWriter(PackStore& packs, Catalog& catalog, ObjectIndex& index, ClaimTable& claims,
              CollectionGate& gate, BlockWriterLimits limits);

  // Checks and appends one block whose directory this is. Not durable yet.
  Status store(SessionState& session, const BlockDirectory& directory, ByteView block);

  // Succeeds when everything in the range is durable; an error stays for that range.
  Status sync(TicketRange range);
  // The error of what is known to be lost of the range; does not wait.
  Status check_loss(TicketRange range) const;
  // Waits until these tickets are durable or lost.
  void settle(Ticket ticket);

  // Returns when no step that began before the call is still under way: after a fence nothing of the fenced
  // session comes in any more.
  void barrier();

  // Everything into the catalog, and that to disk; what fails will be replayed.
  void close();

  // For the collector.

  // Begins a mark, and moves every older row to the catalog, so that what the mark finds dead is there and
  // nowhere else. After an error the mark is to be abandoned. Gives the limit of the mark.
  Result<ObjectNumber> begin_mark();
  // The freeze, if nothing is grey (else false), and the dead set's way to the catalog. After an error it has
  // happened all the same: write_dead_set() is to succeed before anything is swept.
  Result<bool> freeze();
  Status write_dead_set();
  // Runs a step that changes rows of the catalog while nobody else does. Rows of objects are changed nowhere
  // else: what memory has of them is forgotten for it.
  Status with_catalog_still(const std::function<Status()>& step);
  // Within such a step: these dead rows have gone from the catalog.
  void dead_rows_removed(std::uint32_t domain, std::span<const ObjectId> ids);
  // All that is durable into the catalog, and that to disk: the watermark passes every record of packs that
  // are sealed.
  Status persist();

 private:
  struct Loss {
    TicketRange range;
    Error error;
  };
  // False: the index has changed since it was asked, check again.
  Result<bool> try_append(SessionState& session, const BlockDirectory& directory, ByteView block,
                          Acceptance accepted);
  // Requires: append_mutex_, or a block of another session may take the room meanwhile.
  Status check_quota(const SessionState& session, std::uint64_t block_bytes) const;
  void lead_sync();
  void lose_unsettled(const Error& error, Ticket settled);
  Status make_room();
  Status move_to_catalog();
  Status write_unwritten_dead_set();
  bool table_has_room() const;

  PackStore& packs_;
  Catalog& catalog_;
  ObjectIndex& index_;
  ClaimTable& claims_;
  CollectionGate& gate_;
  const BlockWriterLimits limits_;

  std::mutex append_mutex_;  // the serialised step
  Ticket last_ticket_;

  mutable std::mutex sync_mutex_;  // guards what follows; never held during a sync
  std::condition_variable settled_changed_;
  bool syncing_ = false;
  Ticket settled_;  // every ticket up to it is durable, or in `losses_`
  std::vector<Loss> losses_;

  std::mutex move_mutex_;  // held by whoever moves rows to the catalog
  std::atomic<std::uint64_t> bytes_since_move_ = 0;
  std::uint64_t bytes_since_persist_ = 0;
  std::shared_ptr<const DeadSet> unwritten_dead_set_;  // goes before any row; guarded by move_mutex_
};

}  // namespace rb
