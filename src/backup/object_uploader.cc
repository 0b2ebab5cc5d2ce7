#include "backup/object_uploader.h"

#include <algorithm>
#include <chrono>
#include <type_traits>

#include <sys/mman.h>

#include "base/limits.h"
#include "chunk/randomness.h"

namespace rb {

namespace {

// How much a stream holds before it asks: large enough that a question's round trip is small beside the
// transfer, small enough that many workers stay within tens of megabytes.
constexpr std::size_t kPendingBytes = 2 << 20;
constexpr std::size_t kPendingChunks = 2048;

// How long a claimed chunk may lie in a block that does not fill: short beside a claim's lifetime, so that
// those who wait for it are not kept by a worker that has nothing to do.
constexpr std::chrono::milliseconds kStaleBlock{1000};

// Closed blocks of metadata that wait for blocks of chunks to fill. Who closes one more has the latter put as
// they are, while others wait.
constexpr std::size_t kUnflushedMetadataBlocks = 4;

}  // namespace

void RecentIds::Unmap::operator()(ObjectId* ids) const {
  ::munmap(ids, kPlaces * sizeof(ObjectId));
}

// Mapped rather than allocated: an allocator that reuses memory would write eight megabytes of zeros.
RecentIds::RecentIds() {
  static_assert(std::is_trivially_copyable_v<ObjectId>);
  void* const places = ::mmap(nullptr, kPlaces * sizeof(ObjectId), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (places != MAP_FAILED) places_.reset(static_cast<ObjectId*>(places));
}

// Memory for the places around one, before it is looked at: reading it first would have the kernel map each
// page twice, and interrupt the other cores for it. Without, it comes all the same.
void RecentIds::populate(std::size_t place) {
  const std::size_t part = place / (kPlaces / kParts);
  if (populated_[part].load(std::memory_order_relaxed)) return;
  constexpr std::size_t kPartBytes = kPlaces / kParts * sizeof(ObjectId);
  static_cast<void>(::madvise(reinterpret_cast<std::uint8_t*>(places_.get()) + part * kPartBytes, kPartBytes,
                              MADV_POPULATE_WRITE));
  populated_[part].store(true, std::memory_order_relaxed);
}

bool RecentIds::check_and_add(const ObjectId& id) {
  if (!places_) return false;  // no memory for it: everything is forgotten
  const std::size_t place = std::hash<ObjectId>()(id) % kPlaces;
  populate(place);
  std::lock_guard lock(stripes_[place % kStripes]);
  if (places_[place] == id) return true;
  places_[place] = id;
  return false;
}

ObjectUploader::DataBlock::DataBlock(ObjectUploader& uploader, Clock::time_point& last_put)
    : uploader_(uploader), builder_(BlockClass::data, uploader.compression_.now()), last_put_(last_put) {}

Status ObjectUploader::DataBlock::add(const ObjectId& id, ByteView bytes, ChunkNumber number) {
  if (!builder_.empty() && builder_.full_for(bytes.size(), 0)) RB_TRY(put());
  if (!ids_.insert(id).second) return {};
  if (builder_.empty()) {
    since_ = Clock::now();
    first_ = number;
  }
  builder_.add(id, ObjectKind::chunk, {}, bytes);
  uploader_.monitor_.bytes_new += bytes.size();
  return {};
}

Status ObjectUploader::DataBlock::put() {
  if (builder_.empty()) return {};
  ids_.clear();
  builder_.set_compression(uploader_.compression_.now());
  Bytes block = builder_.finish();
  const Clock::time_point finished = Clock::now();
  RB_TRY(uploader_.send(std::move(block)));
  const Clock::time_point made_since = std::max(since_, last_put_);
  last_put_ = Clock::now();
  uploader_.compression_.note(finished - made_since, last_put_ - finished);
  return {};
}

Status ObjectUploader::DataBlocks::add(const ObjectId& id, ByteView bytes, ChunkNumber number) {
  std::unique_ptr<DataBlock>& block = blocks_[looks_random(bytes) ? kRandom : kCompressible];
  if (!block) block = std::make_unique<DataBlock>(uploader_, last_put_);
  return block->add(id, bytes, number);
}

ObjectUploader::ChunkNumber ObjectUploader::DataBlocks::oldest(ChunkNumber none) const {
  for (const auto& block : blocks_) {
    if (block && !block->empty()) none = std::min(none, block->first());
  }
  return none;
}

Status ObjectUploader::DataBlocks::put() {
  for (const auto& block : blocks_) {
    if (block) RB_TRY(block->put());
  }
  return {};
}

Status ObjectUploader::DataBlocks::put_older_than(Clock::time_point limit) {
  for (const auto& block : blocks_) {
    if (block && !block->empty() && block->since() <= limit) RB_TRY(block->put());
  }
  return {};
}

ObjectUploader::Stream::Stream(ObjectUploader& uploader) : uploader_(uploader), blocks_(uploader) {}

Result<ObjectId> ObjectUploader::Stream::add_chunk(ByteView bytes) {
  const ObjectId id = object_id(ObjectKind::chunk, {}, bytes);
  RB_TRY(add_chunk(id, bytes));
  return id;
}

Status ObjectUploader::Stream::add_chunk(const ObjectId& id, ByteView bytes) {
  {
    std::lock_guard lock(mutex_);
    RB_TRY(take(id, bytes));
    note_handled();
  }
  return uploader_.options_.discard ? Status() : uploader_.make_room();
}

Status ObjectUploader::Stream::take(const ObjectId& id, ByteView bytes) {
  // Counted before the id is remembered: who finds that waits for this.
  const ChunkNumber number = ++added_;
  if (uploader_.recent_.check_and_add(id)) return {};
  if (uploader_.options_.discard) {
    uploader_.monitor_.bytes_new += bytes.size();
    return {};
  }
  if (!uploader_.session_.must_ask()) return blocks_.add(id, bytes, number);
  if (arena_.capacity() == 0)
    arena_.reserve(kPendingBytes + uploader_.session_.info().chunk_params.max_bytes);
  pending_.push_back({id, number, arena_.size(), bytes.size()});
  append(arena_, bytes);
  if (arena_.size() >= kPendingBytes || pending_.size() >= kPendingChunks) RB_TRY(ask_pending());
  return {};
}

void ObjectUploader::Stream::note_handled() {
  const ChunkNumber next = added_ + 1;
  handled_ = blocks_.oldest(pending_.empty() ? next : pending_.front().number) - 1;
}

Status ObjectUploader::Stream::ask_pending() {
  if (pending_.empty()) return {};
  std::vector<ObjectId> ids;
  ids.reserve(pending_.size());
  for (const Pending& chunk : pending_)
    ids.push_back(chunk.id);
  RB_TRY(const std::vector<Presence> answers, uploader_.session_.ask(ids));
  if (answers.size() != ids.size()) return fail(Errc::protocol, "the store gave too few answers");
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const ByteView bytes = ByteView(arena_).subspan(pending_[i].offset, pending_[i].length);
    if (answers[i] == Presence::send) RB_TRY(blocks_.add(pending_[i].id, bytes, pending_[i].number));
    if (answers[i] == Presence::wait) uploader_.waiting_.add(pending_[i].id, bytes);
  }
  pending_.clear();
  arena_.clear();  // keeps its memory for the next round
  return {};
}

Status ObjectUploader::Stream::flush() {
  std::lock_guard lock(mutex_);
  RB_TRY(ask_pending());
  RB_TRY(blocks_.put());
  note_handled();
  return {};
}

Status ObjectUploader::Stream::put_stale_block(Clock::time_point now) {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return {};
  RB_TRY(blocks_.put_older_than(now - kStaleBlock));
  note_handled();
  return {};
}

ObjectUploader::ObjectUploader(Session& session, RunMonitor& monitor, UploadOptions options)
    : session_(session),
      monitor_(monitor),
      options_(options),
      compression_(options.compression),
      late_(*this),
      waiting_(
          session, monitor, [this](const ObjectId& id, ByteView bytes) { return late_.add(id, bytes); },
          [this] { return late_.put(); }, options.waiting),
      metadata_(BlockClass::metadata, compression_.now()) {
  for (int i = 0; i < options.streams; ++i)
    streams_.push_back(std::make_unique<Stream>(*this));
}

ObjectUploader::~ObjectUploader() = default;

Status ObjectUploader::make_room() {
  RB_TRY(put_stale_blocks());
  RB_TRY(waiting_.ask_when_due());
  while (waiting_.bytes() > options_.waiting_bytes)
    RB_TRY(wait_a_moment());
  return {};
}

Status ObjectUploader::put_stale_blocks() {
  const Clock::time_point now = Clock::now();
  Clock::rep due = next_stale_check_.load(std::memory_order_relaxed);
  const Clock::rep next = (now + kStaleBlock).time_since_epoch().count();
  if (now.time_since_epoch().count() < due || !next_stale_check_.compare_exchange_strong(due, next))
    return {};
  for (const auto& stream : streams_)
    RB_TRY(stream->put_stale_block(now));
  return {};
}

Status ObjectUploader::wait_a_moment() {
  RB_TRY(monitor_.status());
  RB_TRY(flush_streams());
  return waiting_.wait_and_ask();
}

Status ObjectUploader::put_named(const ObjectId& id, Object object) {
  RB_ASSERT(is_metadata(object.kind));
  if (options_.discard) return {};
  std::lock_guard lock(metadata_mutex_);
  // Under the lock, so that whoever finds the id knows that it stands before anything that is put later.
  if (recent_.check_and_add(id)) return {};
  if (!metadata_.empty() && metadata_.full_for(object.payload.size(), object.refs.size()))
    RB_TRY(close_metadata());
  if (metadata_building_.insert(id).second) metadata_.add(id, object.kind, object.refs, object.payload);
  return {};
}

Status ObjectUploader::begin_metadata_block() {
  if (options_.discard) return {};
  std::lock_guard lock(metadata_mutex_);
  return metadata_.empty() ? Status() : close_metadata();
}

// What is in it stands after all chunks that were added before, those that wait included.
Status ObjectUploader::close_metadata() {
  metadata_building_.clear();
  std::vector<ChunkNumber> after;
  after.reserve(streams_.size());
  for (const auto& stream : streams_)
    after.push_back(stream->last_added());
  if (closed_.empty() && streams_are_past(after) && waiting_.settled(waiting_.last_number()))
    return put_metadata(metadata_);
  BlockBuilder next = spare_ ? std::move(*spare_) : BlockBuilder(BlockClass::metadata, compression_.now());
  spare_.reset();
  closed_.push_back(
      {.block = std::exchange(metadata_, std::move(next)), .after = std::move(after), .after_waiting = {}});
  return put_closed(options_.waiting_metadata_blocks);
}

bool ObjectUploader::streams_are_past(std::span<const ChunkNumber> numbers) const {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i]->last_handled() < numbers[i]) return false;
  }
  return true;
}

// Puts what nothing is waited for, in order, and waits while more than so many blocks are left.
Status ObjectUploader::put_closed(std::size_t left_max) {
  while (!closed_.empty()) {
    ClosedBlock& first = closed_.front();
    if (!streams_are_past(first.after)) {
      if (closed_.size() <= std::min(left_max, kUnflushedMetadataBlocks)) return {};
      RB_TRY(flush_streams());
    }
    if (!first.after_waiting) first.after_waiting = waiting_.last_number();
    if (waiting_.settled(*first.after_waiting)) {
      RB_TRY(put_metadata(first.block));
      spare_ = std::move(first.block);
      closed_.pop_front();
    } else if (closed_.size() > left_max) {
      RB_TRY(wait_a_moment());
    } else {
      return {};
    }
  }
  return {};
}

Status ObjectUploader::put_metadata(BlockBuilder& block) {
  if (session_.must_ask()) {
    const std::vector<ObjectId> ids = block.ids();
    RB_TRY(const std::vector<Presence> answers, session_.ask(ids));
    if (answers.size() != ids.size()) return fail(Errc::protocol, "the store gave too few answers");
    std::vector<bool> wanted;
    wanted.reserve(answers.size());
    for (const Presence answer : answers)
      wanted.push_back(answer != Presence::have);
    block.keep_only(wanted);
    if (block.empty()) return {};
  }
  return send(block.finish());
}

Status ObjectUploader::send(Bytes block) {
  monitor_.bytes_sent += block.size();
  return session_.put(std::move(block));
}

Result<std::vector<bool>> ObjectUploader::held(std::span<const ObjectId> ids) {
  // A dry run must not claim chunks; what the cache says is believed, and nothing depends on it.
  if (options_.discard) return std::vector<bool>(ids.size(), true);
  std::vector<bool> held;
  held.reserve(ids.size());
  if (!session_.must_ask()) return std::vector<bool>(ids.size(), false);
  for (std::size_t at = 0; at < ids.size(); at += kMaxAskIds) {
    const auto part = ids.subspan(at, std::min(kMaxAskIds, ids.size() - at));
    RB_TRY(const std::vector<Presence> answers, session_.ask(part));
    if (answers.size() != part.size()) return fail(Errc::protocol, "the store gave too few answers");
    for (const Presence answer : answers)
      held.push_back(answer == Presence::have);
  }
  return held;
}

Status ObjectUploader::flush_streams() {
  for (const auto& stream : streams_)
    RB_TRY(stream->flush());
  return {};
}

Status ObjectUploader::flush() {
  if (options_.discard) return {};
  std::lock_guard lock(metadata_mutex_);
  RB_TRY(flush_streams());
  if (!metadata_.empty()) RB_TRY(close_metadata());
  Status through = put_closed(0);
  while (through && !waiting_.settled(waiting_.last_number()))
    through = wait_a_moment();
  // A run that was stopped waits for nobody, but what it sent itself is to be found by the next.
  RB_TRY(session_.flush());
  return through;
}

}  // namespace rb
