#include "backup/object_uploader.h"

#include <chrono>
#include <type_traits>

#include <sys/mman.h>

#include "base/limits.h"

namespace rb {

namespace {

// How much a stream holds before it asks: large enough that a question's round trip is small beside the
// transfer, small enough that many workers stay within tens of megabytes.
constexpr std::size_t kPendingBytes = 2 << 20;
constexpr std::size_t kPendingChunks = 2048;

// How long a claimed chunk may lie in a block that does not fill: short beside a claim's lifetime, so that
// those who wait for it are not kept by a worker that has nothing to do.
constexpr std::chrono::milliseconds kStaleBlock{1000};

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

bool RecentIds::check_and_add(const ObjectId& id) {
  if (!places_) return false;  // no memory for it: everything is forgotten
  const std::size_t place = std::hash<ObjectId>()(id) % kPlaces;
  std::lock_guard lock(stripes_[place % kStripes]);
  if (places_[place] == id) return true;
  places_[place] = id;
  return false;
}

ObjectUploader::DataBlock::DataBlock(ObjectUploader& uploader)
    : uploader_(uploader), builder_(BlockClass::data, uploader.compression_.now()) {}

Status ObjectUploader::DataBlock::add(const ObjectId& id, ByteView bytes) {
  if (!builder_.empty() && builder_.full_for(bytes.size(), 0)) RB_TRY(put());
  if (!ids_.insert(id).second) return {};
  if (builder_.empty()) since_ = Clock::now();
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
  uploader_.compression_.note(finished - since_, Clock::now() - finished);
  return {};
}

ObjectUploader::Stream::Stream(ObjectUploader& uploader) : uploader_(uploader), block_(uploader) {}

Result<ObjectId> ObjectUploader::Stream::add_chunk(ByteView bytes) {
  const ObjectId id = object_id(ObjectKind::chunk, {}, bytes);
  RB_TRY(add_chunk(id, bytes));
  return id;
}

Status ObjectUploader::Stream::add_chunk(const ObjectId& id, ByteView bytes) {
  {
    // Remembered under the lock: who finds the id and then flushes this stream waits until the bytes are in
    // it.
    std::lock_guard lock(mutex_);
    if (uploader_.recent_.check_and_add(id)) return {};
    if (uploader_.options_.discard) {
      uploader_.monitor_.bytes_new += bytes.size();
      return {};
    }
    if (!uploader_.session_.must_ask()) return block_.add(id, bytes);
    pending_.push_back({id, arena_.size(), bytes.size()});
    append(arena_, bytes);
    if (arena_.size() >= kPendingBytes || pending_.size() >= kPendingChunks) RB_TRY(ask_pending());
  }
  return uploader_.make_room();
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
    if (answers[i] == Presence::send) RB_TRY(block_.add(pending_[i].id, bytes));
    if (answers[i] == Presence::wait) uploader_.waiting_.add(pending_[i].id, bytes);
  }
  pending_.clear();
  arena_.clear();  // keeps its memory for the next round
  return {};
}

Status ObjectUploader::Stream::flush() {
  std::lock_guard lock(mutex_);
  RB_TRY(ask_pending());
  return block_.put();
}

Status ObjectUploader::Stream::put_stale_block(Clock::time_point now) {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || block_.empty() || now - block_.since() < kStaleBlock) return {};
  return block_.put();
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

Result<ObjectId> ObjectUploader::put(Object object) {
  RB_ASSERT(is_metadata(object.kind));
  const ObjectId id = object_id(object);
  if (options_.discard) return id;
  std::lock_guard lock(metadata_mutex_);
  // Under the lock, so that whoever finds the id knows that it stands before anything that is put later.
  if (recent_.check_and_add(id)) return id;
  if (!metadata_.empty() && metadata_.full_for(object.payload.size(), object.refs.size()))
    RB_TRY(close_metadata());
  if (metadata_building_.insert(id).second) metadata_.add(id, object.kind, object.refs, object.payload);
  return id;
}

Status ObjectUploader::begin_metadata_block() {
  if (options_.discard) return {};
  std::lock_guard lock(metadata_mutex_);
  return metadata_.empty() ? Status() : close_metadata();
}

// What is in it stands after all chunks that were added before, those that wait included.
Status ObjectUploader::close_metadata() {
  RB_TRY(flush_streams());
  RB_TRY(put_closed(options_.waiting_metadata_blocks));
  metadata_building_.clear();
  const WaitingChunks::Number after = waiting_.last_number();
  if (closed_.empty() && waiting_.settled(after)) return put_metadata(metadata_);
  BlockBuilder next(BlockClass::metadata, compression_.now());
  closed_.push_back({std::exchange(metadata_, std::move(next)), after});
  return {};
}

// Puts what nothing is waited for, in order, and waits while more than so many blocks are left.
Status ObjectUploader::put_closed(std::size_t left_max) {
  while (!closed_.empty()) {
    if (waiting_.settled(closed_.front().after)) {
      RB_TRY(put_metadata(closed_.front().block));
      closed_.pop_front();
    } else if (closed_.size() > left_max) {
      RB_TRY(wait_a_moment());
    } else {
      break;
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
