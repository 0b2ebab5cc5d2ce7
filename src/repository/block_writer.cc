#include "repository/block_writer.h"

#include "base/log.h"

namespace rb {

namespace {
// The index changes under a check only when rows move to the catalog or a sync fails: rarely twice in a row.
constexpr int kCheckAttempts = 64;
// Losses beyond this are remembered together: a session may then be told of a loss that was not its own.
constexpr std::size_t kMaxLosses = 256;
}  // namespace

BlockWriter::BlockWriter(PackStore& packs, Catalog& catalog, ObjectIndex& index, ClaimTable& claims,
                         CollectionGate& gate, BlockWriterLimits limits)
    : packs_(packs),
      catalog_(catalog),
      index_(index),
      claims_(claims),
      gate_(gate),
      limits_(limits),
      last_ticket_(index.settled()),
      settled_(last_ticket_) {}

Status BlockWriter::store(SessionState& session, const BlockDirectory& directory, ByteView block) {
  RB_TRY(make_room());
  for (int attempt = 0; attempt < kCheckAttempts; ++attempt) {
    RB_TRY(Acceptance accepted, check_block(index_, session.domain, session.number, directory));
    if (accepted.settle_first != 0) {
      settle(accepted.settle_first);
      continue;
    }
    RB_TRY(const bool appended, try_append(session, directory, block, std::move(accepted)));
    if (appended) return {};
  }
  return fail(Errc::unavailable, "the store changes too fast to take this block: send it again");
}

Result<bool> BlockWriter::try_append(SessionState& session, const BlockDirectory& directory, ByteView block,
                                     Acceptance accepted) {
  const std::lock_guard lock(append_mutex_);
  RB_TRY(session.check_open());
  if (!index_.still_missing(accepted.generation, session.domain, accepted.fresh)) return false;
  // From here to the row nothing dies: a freeze takes the mutex too.
  RB_TRY(const bool held, gate_.hold(session, accepted.epoch, accepted.present));
  if (!held) return false;
  if (accepted.fresh.empty()) {
    if (accepted.depends_on != 0) session.note_put(directory.block_class, accepted.depends_on);
    return true;
  }
  RB_TRY(check_quota(session, block.size()));
  const PackRecordOwner owner{session.node, session.domain};
  RB_TRY(const PackPosition at, packs_.append(owner, block));
  std::vector<ObjectId> ids;
  ids.reserve(accepted.fresh.size());
  for (const NewObject& object : accepted.fresh)
    ids.push_back(object.id);
  gate_.born(session, accepted.fresh);
  const Ticket ticket = ++last_ticket_;
  const AppendedBlock appended{owner, at, ticket, session.number, share_of(block, directory)};
  index_.insert(appended, std::move(accepted.fresh));
  index_.count_bytes(appended, block.size());
  session.note_put(directory.block_class, ticket);
  if (accepted.depends_on != 0) session.note_put(directory.block_class, accepted.depends_on);
  claims_.drop(session.domain, ids);
  bytes_since_move_ += block.size();
  return true;
}

// What a node has already is dropped without being stored, so it costs no quota.
Status BlockWriter::check_quota(const SessionState& session, std::uint64_t block_bytes) const {
  const std::uint64_t allowed = session.quota.stored_bytes;
  if (allowed == 0) return {};
  const std::uint64_t stored = index_.stored_bytes(session.node);
  if (stored + block_bytes <= allowed) return {};
  return fail(Errc::no_space,
              fmt::format("the quota of node \"{}\" is used up: {} of {} bytes stored, and {} more were sent",
                          session.node_name, stored, allowed, block_bytes));
}

Status BlockWriter::sync(TicketRange range) {
  if (range.empty()) return {};
  settle(range.last);
  return check_loss(range);
}

Status BlockWriter::check_loss(TicketRange range) const {
  if (range.empty()) return {};
  const std::lock_guard lock(sync_mutex_);
  for (const Loss& loss : losses_) {
    if (loss.range.first <= range.last && range.first <= loss.range.last) return std::unexpected(loss.error);
  }
  return {};
}

void BlockWriter::settle(Ticket ticket) {
  std::unique_lock lock(sync_mutex_);
  while (settled_ < ticket) {
    if (syncing_) {
      settled_changed_.wait(lock);
      continue;
    }
    syncing_ = true;
    lock.unlock();
    lead_sync();
    lock.lock();
    syncing_ = false;
    settled_changed_.notify_all();
  }
}

// One at a time. Everything appended before it is durable or lost when it returns.
void BlockWriter::lead_sync() {
  Ticket last = 0;
  PackPosition end;
  {
    const std::lock_guard lock(append_mutex_);
    last = last_ticket_;
    end = packs_.end();
  }
  const Status synced = packs_.sync();
  if (!synced) {
    Ticket settled = 0;
    {
      const std::lock_guard lock(sync_mutex_);
      settled = settled_;
    }
    lose_unsettled(synced.error(), settled);
    return;
  }
  index_.settle(last, end);
  const std::lock_guard lock(sync_mutex_);
  settled_ = last;
}

// What was appended while the sync was failing is counted as lost too: it may have gone into the same pack.
void BlockWriter::lose_unsettled(const Error& error, Ticket settled) {
  const std::lock_guard append_lock(append_mutex_);
  index_.drop_after(settled);
  log(LogLevel::error, "blocks could not be made durable and are not acknowledged: {}", error.message);
  const std::lock_guard lock(sync_mutex_);
  if (last_ticket_ == settled_) return;
  if (losses_.size() >= kMaxLosses) {
    losses_[1].range.first = losses_[0].range.first;
    losses_.erase(losses_.begin());
  }
  losses_.push_back({TicketRange{settled + 1, last_ticket_}, error});
  settled_ = last_ticket_;
}

void BlockWriter::barrier() {
  const std::lock_guard lock(append_mutex_);
}

bool BlockWriter::table_has_room() const {
  return index_.table_size() < limits_.table_rows && bytes_since_move_ < limits_.move_bytes;
}

// Called before anything is appended, so that a failure here leaves nothing behind.
Status BlockWriter::make_room() {
  if (table_has_room()) return {};
  std::unique_lock lock(move_mutex_, std::try_to_lock);
  const bool full = index_.table_size() >= 2 * limits_.table_rows;
  if (!lock && !full) return {};  // somebody is at it
  if (!lock) lock.lock();
  if (table_has_room()) return {};
  const Status moved = move_to_catalog();
  if (moved || full) return moved;
  log(LogLevel::warning, "the index could not be moved to the catalog, and will be tried again: {}",
      moved.error().message);
  return {};
}

// Requires: move_mutex_.
Status BlockWriter::move_to_catalog() {
  RB_TRY(write_unwritten_dead_set());
  Ticket last = 0;
  {
    const std::lock_guard lock(append_mutex_);
    last = last_ticket_;
  }
  settle(last);
  const std::uint64_t moved_bytes = bytes_since_move_;
  RB_TRY(index_.move_to_catalog());
  bytes_since_move_ -= moved_bytes;
  bytes_since_persist_ += moved_bytes;
  if (bytes_since_persist_ < limits_.persist_bytes) return {};
  RB_TRY(catalog_.persist());
  bytes_since_persist_ = 0;
  return {};
}

void BlockWriter::close() {
  const std::lock_guard lock(move_mutex_);
  Status closed = move_to_catalog();
  if (closed) closed = catalog_.persist();
  if (!closed) log(LogLevel::warning, "the catalog is behind, and will catch up: {}", closed.error().message);
}

Result<ObjectNumber> BlockWriter::begin_mark() {
  const std::lock_guard lock(move_mutex_);
  ObjectNumber limit = 0;
  {
    const std::lock_guard append_lock(append_mutex_);
    limit = index_.next_number();
    gate_.begin_mark(limit);
  }
  RB_TRY(move_to_catalog());
  return limit;
}

Result<bool> BlockWriter::freeze() {
  const std::lock_guard lock(move_mutex_);
  {
    const std::lock_guard append_lock(append_mutex_);
    if (!gate_.try_freeze()) return false;
  }
  unwritten_dead_set_ = gate_.dead_set();
  RB_TRY(write_unwritten_dead_set());
  return true;
}

// Requires: move_mutex_. Rows accepted since the freeze may stand in place of dead ones and name others by
// new numbers: a catalog that had them without the dead set would be lost on what is alive.
Status BlockWriter::write_unwritten_dead_set() {
  if (!unwritten_dead_set_) return {};
  CatalogBatch batch;
  batch.dead_set = unwritten_dead_set_;
  batch.next_number = index_.next_number();  // at least its limit, or new objects would be born dead
  RB_TRY(catalog_.apply(batch));
  unwritten_dead_set_ = nullptr;
  return {};
}

Status BlockWriter::write_dead_set() {
  const std::lock_guard lock(move_mutex_);
  return write_unwritten_dead_set();
}

Status BlockWriter::with_catalog_still(const std::function<Status()>& step) {
  const std::lock_guard lock(move_mutex_);
  RB_TRY(write_unwritten_dead_set());
  index_.catalog_changes();
  return step();
}

void BlockWriter::dead_rows_removed(std::uint32_t domain, std::span<const ObjectId> ids) {
  const std::lock_guard lock(append_mutex_);
  index_.dead_rows_removed(domain, ids);
}

Status BlockWriter::persist() {
  const std::lock_guard lock(move_mutex_);
  RB_TRY(move_to_catalog());
  RB_TRY(catalog_.persist());
  bytes_since_persist_ = 0;
  return {};
}

}  // namespace rb
