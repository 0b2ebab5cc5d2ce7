#include "repository/local_session.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/log.h"
#include "chunk/block_codec.h"
#include "chunk/excerpt.h"
#include "repository/node_pins.h"
#include "repository/record_salvage.h"
#include "repository/root_admission.h"

namespace rb {

namespace {

// A look-up is made again when the dead set changed under it, which happens twice in a collection.
constexpr int kHoldAttempts = 64;
// A record that is not there has moved, or is lost.
constexpr int kReadAttempts = 3;

// Recomputes the ids of all objects of a block. Always of metadata: it is small, and everything hangs on it.
// Of chunks only where another node may rely on them, in a group: it costs unpacking all that comes in.
// Alone, a node can only deceive itself, and checks what it reads.
Status verify_objects(ByteView block) {
  thread_local BlockReader reader;  // its buffers are worth keeping
  RB_TRY(reader.open(block));
  for (std::size_t i = 0; i < reader.size(); ++i)
    RB_TRY(reader.verify(i));
  return {};
}

bool is_complete(const FoundObject& found) {
  return found.complete();
}

bool is_metadata_row(const FoundObject& found) {
  return is_metadata(found.row.kind);
}

class LocalSession final : public Session {
 public:
  LocalSession(std::shared_ptr<RepositoryCore> core, std::shared_ptr<SessionState> state)
      : core_(std::move(core)), state_(std::move(state)) {}
  ~LocalSession() override { core_->sessions().end(*state_); }

  Status begin(const NodeRecord& node, const BeginRequest& request);

  const SessionInfo& info() const override { return info_; }
  bool must_ask() const override { return !info_.dont_ask || state_->must_ask; }
  Result<std::vector<Presence>> ask(std::span<const ObjectId> ids) override;
  Status put(Bytes block) override { return put_borrowed(block); }
  Status put_borrowed(ByteView block) override;
  Status flush() override;
  Result<CommitResult> commit(const CommitRequest& request) override;
  Status read(std::span<const ObjectId> ids, Neighbours neighbours, const BlockSink& sink) override;
  Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery& query) override;
  Status pin(const SnapshotId& snapshot, bool pinned) override;
  Result<StoreStatus> status() override;

 private:
  using Found = std::vector<std::optional<FoundObject>>;
  using Choice = bool (*)(const FoundObject&);
  void note_sighting(const BeginRequest& request);
  Status check_writing() const;
  Status check_logical_quota(const ObjectId& snapshot);
  Status verify(ByteView block) const;
  Status store(const BlockDirectory& directory, ByteView block);
  // What the index says, with nothing left in doubt: what was found is durable.
  Result<ObjectIndex::Answer> find_settled(std::span<const ObjectId> ids);
  // The same, and those that `choose` says are held, in one step with the answer being true.
  Result<Found> find_and_hold(std::span<const ObjectId> ids, Choice choose);
  // The number of an object that the store has, which is held then.
  Result<std::optional<ObjectNumber>> hold(const ObjectId& id);
  Result<ObjectNumber> hold_snapshot(const ObjectId& id);
  // By record, in the order of the disk.
  using Places = std::map<PackPosition, std::vector<KnownObject>>;
  Result<Places> places_of(std::span<const ObjectId> ids);
  Result<std::optional<Error>> give(Places& places, Neighbours neighbours, const BlockSink& sink,
                                    std::optional<Error>& lost);
  Status give_block(const PackPosition& at, const PackStore::Record& record,
                    std::span<const KnownObject> wanted, Neighbours neighbours, const BlockSink& sink);
  Result<bool> give_salvaged(const PackPosition& at, std::span<const KnownObject> wanted,
                             const BlockSink& sink);

  const std::shared_ptr<RepositoryCore> core_;
  const std::shared_ptr<SessionState> state_;
  SessionInfo info_;
};

Status LocalSession::begin(const NodeRecord& node, const BeginRequest& request) {
  NodeBook& book = core_->book();
  info_.node = node.name;
  info_.repository = core_->directory().format.id;
  if (!book.has_domain(node.domain)) {  // both copies of the journal have lost it
    return fail(Errc::corrupt, fmt::format("the journal has lost the domain of the node \"{}\"", node.name));
  }
  info_.chunk_params = book.chunk_params(node.domain);
  RB_TRY(info_.already_committed, book.commit_of(node.node, request.run));
  info_.head = book.head(node.node);
  if (info_.head) {
    RB_TRY(hold(info_.head->object));
  }
  if (request.base) {
    RB_TRY(const auto base, book.snapshot(node.node, *request.base));
    if (base) {
      RB_TRY(const auto held, hold(base->object));
      info_.base_held = held.has_value();
    }
  }
  if (request.cached_tree) {
    RB_TRY(const auto held, hold(*request.cached_tree));
    info_.cache_holds = held.has_value();
  }
  info_.dont_ask = !state_->must_ask;
  if (state_->purpose == SessionPurpose::write)
    info_.wanted = core_->quarantine().wanted(core_->index(), state_->domain, state_->node);
  note_sighting(request);
  return {};
}

void LocalSession::note_sighting(const BeginRequest& request) {
  const Clock& clock = core_->clock();
  const auto clone = core_->sightings().note(state_->node, request, clock.wall(), clock.monotonic());
  if (clone == Sightings::Clone::none) return;
  if (clone == Sightings::Clone::noticed) {
    log(LogLevel::warning,
        "the node \"{}\" is two machines: sessions of its credential come from one and another in turn. "
        "Invite one of them under a name of its own",
        state_->node_name);
  }
  info_.notices.push_back(fmt::format(
      "another machine uses the credential of the node \"{}\" too (was this one's disk copied?): each of the "
      "two replaces the other's copy; ask the server's administrator to invite one of them as a node of its "
      "own",
      state_->node_name));
}

Status LocalSession::check_writing() const {
  if (state_->purpose == SessionPurpose::write) return {};
  return fail(Errc::invalid_argument, "the session was begun for reading only");
}

Result<ObjectIndex::Answer> LocalSession::find_settled(std::span<const ObjectId> ids) {
  while (true) {
    RB_TRY(ObjectIndex::Answer answer, core_->index().find(state_->domain, ids));
    Ticket latest = 0;
    for (const auto& found : answer.found) {
      if (found && !found->durable) latest = std::max(latest, found->ticket);
    }
    if (latest == 0) return answer;
    core_->writer().settle(latest);
  }
}

Result<LocalSession::Found> LocalSession::find_and_hold(std::span<const ObjectId> ids, Choice choose) {
  for (int attempt = 0; attempt < kHoldAttempts; ++attempt) {
    RB_TRY(ObjectIndex::Answer answer, find_settled(ids));
    std::vector<HeldObject> chosen;
    for (const auto& found : answer.found) {
      if (found && choose(*found)) chosen.push_back(found->held());
    }
    RB_TRY(const bool held, core_->gate().hold(*state_, answer.epoch, chosen));
    if (held) return std::move(answer.found);
  }
  return fail(Errc::unavailable, "the store changes too fast to answer: ask again");
}

Result<std::optional<ObjectNumber>> LocalSession::hold(const ObjectId& id) {
  RB_TRY(const Found found, find_and_hold(std::span(&id, 1), is_complete));
  if (!found[0] || !found[0]->complete()) return std::nullopt;
  return found[0]->row.number;
}

Result<std::vector<Presence>> LocalSession::ask(std::span<const ObjectId> ids) {
  RB_TRY(state_->check_open());
  if (ids.size() > kMaxAskIds) return fail(Errc::invalid_argument, "too many ids in one question");
  // Claimed before it is looked for: what another session completes between the two is found then, so that
  // nobody is told to send what has just come.
  const std::chrono::nanoseconds now = core_->clock().monotonic();
  std::vector<Presence> answers(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const bool ours = core_->claims().claim(state_->number, state_->domain, ids[i], now);
    answers[i] = ours ? Presence::send : Presence::wait;
  }
  RB_TRY(const Found found, find_and_hold(ids, is_complete));
  std::vector<ObjectId> held_ids;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!found[i] || !found[i]->complete()) continue;
    answers[i] = Presence::have;
    held_ids.push_back(ids[i]);
  }
  core_->claims().drop(state_->domain, held_ids);
  RB_TRY(state_->check_open());  // a fence that came meanwhile: the pins no longer count
  return answers;
}

Status LocalSession::put_borrowed(ByteView block) {
  RB_TRY(state_->check_open());
  RB_TRY(check_writing());
  RB_TRY(core_->space().check());
  RB_TRY(const BlockDirectory directory, decode_block_directory(block));
  if (directory.block_class == BlockClass::data) {
    if (state_->in_group) RB_TRY(verify(block));
    return store(directory, block);
  }
  RB_TRY(verify(block));
  const std::lock_guard stream(state_->metadata_stream);
  const TicketRange data = state_->unsettled_data();
  RB_TRY(core_->writer().sync(data));
  return store(directory, block);
}

Status LocalSession::verify(ByteView block) const {
  const Status verified = verify_objects(block);
  if (!verified)
    log(LogLevel::warning, "refused a block of node \"{}\": {}", state_->node_name, verified.error().message);
  return verified;
}

// What an earlier block's loss made impossible is told as that loss, and stays so until the session ends.
Status LocalSession::store(const BlockDirectory& directory, ByteView block) {
  const Status stored = core_->writer().store(*state_, directory, block);
  RB_TRY(core_->writer().check_loss(state_->unsettled()));
  return stored;
}

Status LocalSession::flush() {
  RB_TRY(state_->check_open());
  const TicketRange range = state_->unsettled();
  RB_TRY(core_->writer().sync(range));
  state_->note_settled(range.last);
  return state_->check_open();
}

Result<CommitResult> LocalSession::commit(const CommitRequest& request) {
  NodeBook& book = core_->book();
  // Before the fence is looked at: what was committed is committed.
  RB_TRY(auto first, book.commit_of(state_->node, state_->run));
  if (first) return CommitResult{true, std::move(first)};
  RB_TRY(check_writing());
  RB_TRY(flush());
  RB_TRY(const ObjectNumber held, hold_snapshot(request.snapshot));
  RB_TRY(check_logical_quota(request.snapshot));
  const auto admit = [&] {
    return admit_root(core_->index(), core_->gate(), state_->domain, request.snapshot, held);
  };
  RB_TRY(CommitResult result, book.commit(*state_, request, admit));
  if (result.committed && !info_.wanted.empty()) core_->quarantine().note_run(state_->domain, state_->node);
  if (!result.committed && result.head) {
    RB_TRY(hold(result.head->object));
  }
  return result;
}

Result<ObjectNumber> LocalSession::hold_snapshot(const ObjectId& id) {
  RB_TRY(const Found found, find_and_hold(std::span(&id, 1), is_complete));
  if (!found[0] || !found[0]->complete()) return fail_missing(std::span(&id, 1));
  if (found[0]->row.kind == ObjectKind::snapshot) return found[0]->row.number;
  return fail(Errc::invalid_argument, "object " + to_hex(id) + " is no snapshot");
}

// By what the client states in the snapshot: it is a limit for honest clients, kept where nobody forgets it.
// What a node really takes is bounded by the quota of stored bytes.
Status LocalSession::check_logical_quota(const ObjectId& snapshot) {
  const std::uint64_t allowed = state_->quota.logical_bytes;
  if (allowed == 0) return {};
  RB_TRY(const Snapshot stated, core_->snapshots().read(state_->domain, snapshot));
  const std::uint64_t bytes = logical_bytes_of(stated);
  if (bytes <= allowed) return {};
  return fail(Errc::no_space,
              fmt::format("the quota of node \"{}\" is used up: its copy would have {} of {} bytes",
                          state_->node_name, bytes, allowed));
}

// What is lost is told of in the end: it is no reason to keep back the rest.
Status LocalSession::read(std::span<const ObjectId> ids, Neighbours neighbours, const BlockSink& sink) {
  RB_TRY(state_->check_open());
  if (ids.size() > kMaxReadIds) return fail(Errc::invalid_argument, "too many ids to read at once");
  RB_TRY(Places places, places_of(ids));
  std::optional<Error> lost;
  for (int attempt = 1; !places.empty(); ++attempt) {
    RB_TRY(const std::optional<Error> gone, give(places, neighbours, sink, lost));
    if (!gone) continue;
    if (attempt == kReadAttempts) return std::unexpected(*gone);
    std::vector<ObjectId> left;
    for (const auto& [at, here] : places) {
      for (const KnownObject& object : here)
        left.push_back(object.id);
    }
    RB_TRY(places, places_of(left));
  }
  if (lost) return std::unexpected(*lost);
  return {};
}

// Takes what was given, or is lost, out of `places`. Gives the error when a pack is not there any more.
Result<std::optional<Error>> LocalSession::give(Places& places, Neighbours neighbours, const BlockSink& sink,
                                                std::optional<Error>& lost) {
  while (!places.empty()) {
    const auto& [at, wanted] = *places.begin();
    const Result<PackStore::Record> record = core_->packs().read(at);
    if (record) {
      RB_TRY(give_block(at, *record, wanted, neighbours, sink));
    } else if (record.error().code == Errc::corrupt || record.error().code == Errc::io) {
      RB_TRY(const bool all, give_salvaged(at, wanted, sink));
      if (!all && !lost) lost = record.error();
    } else if (record.error().code == Errc::not_found) {
      return record.error();
    } else {
      return std::unexpected(record.error());
    }
    places.erase(places.begin());
  }
  return std::nullopt;
}

Status LocalSession::give_block(const PackPosition& at, const PackStore::Record& record,
                                std::span<const KnownObject> wanted, Neighbours neighbours,
                                const BlockSink& sink) {
  if (record.owner.domain != state_->domain) {
    return fail(Errc::corrupt, fmt::format("pack {}, offset {}: not of this domain", at.pack, at.offset));
  }
  RB_TRY(state_->check_open());
  if (neighbours == Neighbours::welcome) return sink(record.block);
  std::vector<ObjectId> ids;
  ids.reserve(wanted.size());
  for (const KnownObject& object : wanted)
    ids.push_back(object.id);
  const auto few = excerpt(record.block, ids);
  if (!few || !*few) return sink(record.block);  // what is wrong with it is for the reader to see
  for (const Bytes& block : **few)
    RB_TRY(sink(block));
  return {};
}

// Of a damaged record. False: not all that is wanted could be had.
Result<bool> LocalSession::give_salvaged(const PackPosition& at, std::span<const KnownObject> wanted,
                                         const BlockSink& sink) {
  const auto salvaged = salvage_record(core_->packs(), state_->domain, at, wanted);
  if (!salvaged) return false;
  RB_TRY(state_->check_open());
  for (const Bytes& block : blocks_of(salvaged->objects))
    RB_TRY(sink(block));
  std::set<ObjectId> given;
  for (const SalvagedObject& one : salvaged->objects)
    given.insert(one.object.id);
  return std::ranges::all_of(wanted, [&](const KnownObject& one) { return given.contains(one.id); });
}

// Metadata is held as it is given: whoever has read a snapshot may read all beneath it, deleted meanwhile or
// not.
Result<LocalSession::Places> LocalSession::places_of(std::span<const ObjectId> ids) {
  RB_TRY(const Found found, find_and_hold(ids, is_metadata_row));
  Places places;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!found[i]) return fail(Errc::not_found, "there is no object " + to_hex(ids[i]));
    const ObjectRow& row = found[i]->row;
    places[row.at].push_back({.index = row.index, .id = ids[i], .kind = row.kind, .payload_bytes = {}});
  }
  return places;
}

Result<std::vector<SnapshotInfo>> LocalSession::snapshots(const SnapshotQuery& query) {
  RB_TRY(state_->check_open());
  RB_TRY(std::vector<SnapshotInfo> found, core_->book().snapshots(state_->node, query));
  const std::chrono::seconds grace = core_->retention().undelete_for();
  for (SnapshotInfo& info : found) {
    if (info.gone_after) info.gone_after->seconds += grace.count();
  }
  return found;
}

Status LocalSession::pin(const SnapshotId& id, bool pinned) {
  RB_TRY(state_->check_open());
  RB_TRY(const auto snapshot, core_->book().snapshot(state_->node, id));
  if (!snapshot) return fail(Errc::not_found, "the node has no snapshot " + to_hex(id));
  const CatalogSnapshotKey key{state_->node, snapshot->sequence};
  const auto admit = [&]() -> Status {
    RB_TRY(state_->check_open());
    return pinned ? check_room_for_pin(*core_, info_.node, key) : Status{};
  };
  return core_->book().pin(key, pinned, PinAuthority::node, admit);
}

Result<StoreStatus> LocalSession::status() {
  RB_TRY(state_->check_open());
  StoreStatus status;
  status.node = info_.node;
  status.server_version = RB_VERSION;
  status.snapshot_count = core_->book().snapshot_count(state_->node);
  status.object_count = core_->index().object_count(state_->domain);
  status.stored_bytes = core_->packs().stored_bytes();
  status.node_stored_bytes = core_->index().stored_bytes(state_->node);
  status.quota_stored_bytes = state_->quota.stored_bytes;
  status.quota_logical_bytes = state_->quota.logical_bytes;
  if (const auto head = core_->book().head(state_->node)) {
    // A snapshot that can't be read must not hide the rest.
    status.node_logical_bytes =
        core_->snapshots().logical_bytes(state_->node, state_->domain, head->object).value_or(0);
  }
  status.read_only_reason = core_->read_only_reason();
  status.read_only = !status.read_only_reason.empty();
  return status;
}

}  // namespace

Result<std::unique_ptr<Session>> begin_local_session(std::shared_ptr<RepositoryCore> core,
                                                     const Caller& caller, const BeginRequest& request) {
  NodeBook& book = core->book();
  RB_TRY(const NodeRecord node, book.admit(caller));
  const bool empty = core->index().object_count(node.domain) == 0;
  const SessionOwner owner{.node = node.node,
                           .domain = node.domain,
                           .node_name = node.name,
                           .in_group = book.is_group(node.domain),
                           .quota = core->quota_of(node.name)};
  RB_TRY(auto state, core->sessions().begin(owner, request, empty));
  // A session of this run that it replaced is fenced now: nothing of it may come in once the new one has
  // begun.
  core->writer().barrier();
  book.barrier();
  auto session = std::make_unique<LocalSession>(core, std::move(state));
  // Again, now that a removal would find the session and fence it.
  RB_TRY(book.admit(caller));
  book.try_to_resume();  // so that it begins from what the head is
  RB_TRY(session->begin(node, request));
  return session;
}

}  // namespace rb
