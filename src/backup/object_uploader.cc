#include "backup/object_uploader.h"

#include <chrono>
#include <thread>

#include "base/limits.h"

namespace rb {

namespace {

// How much a stream holds before it asks: large enough that a question's round trip is small beside the
// transfer, small enough that many workers stay within tens of megabytes.
constexpr std::size_t kPendingBytes = 2 << 20;
constexpr std::size_t kPendingChunks = 2048;

// How long a chunk that somebody else is sending is waited for before it is sent after all: a duplicate costs
// its bytes once, a slow peer must not hold up this run.
constexpr std::chrono::milliseconds kFirstWait{5}, kLongestWait{200}, kWaitInAll{2000};

}  // namespace

RecentIds::RecentIds() : places_(kPlaces) {}

bool RecentIds::check_and_add(const ObjectId& id) {
  const std::size_t place = std::hash<ObjectId>()(id) % kPlaces;
  std::lock_guard lock(stripes_[place % kStripes]);
  if (places_[place] == id) return true;
  places_[place] = id;
  return false;
}

ObjectUploader::Stream::Stream(ObjectUploader& uploader, CompressionOptions compression)
    : uploader_(uploader), builder_(BlockClass::data, compression) {}

Result<ObjectId> ObjectUploader::Stream::add_chunk(ByteView bytes) {
  const ObjectId id = object_id(ObjectKind::chunk, {}, bytes);
  // Remembered under the lock: who finds the id and then flushes this stream waits until the bytes are in it.
  std::lock_guard lock(mutex_);
  if (uploader_.recent_.check_and_add(id)) return id;
  if (uploader_.options_.discard) {
    uploader_.monitor_.bytes_new += bytes.size();
    return id;
  }
  if (!uploader_.session_.must_ask()) {
    RB_TRY(build(id, bytes));
    return id;
  }
  pending_.push_back({id, arena_.size(), bytes.size()});
  append(arena_, bytes);
  if (arena_.size() >= kPendingBytes || pending_.size() >= kPendingChunks) {
    RB_TRY(ask_pending());
    // Too much that others are sending: settle it now, so that memory stays bounded.
    if (arena_.size() >= kPendingBytes / 2) RB_TRY(settle_waiting());
  }
  return id;
}

// Sends what the store lacks and keeps only what is answered "wait".
Status ObjectUploader::Stream::ask_pending() {
  if (pending_.empty()) return {};
  std::vector<ObjectId> ids;
  ids.reserve(pending_.size());
  for (const Pending& chunk : pending_)
    ids.push_back(chunk.id);
  RB_TRY(const std::vector<Presence> answers, uploader_.session_.ask(ids));
  if (answers.size() != ids.size()) return fail(Errc::protocol, "the store gave too few answers");

  std::vector<Pending> waiting;
  Bytes waiting_bytes;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const ByteView bytes = ByteView(arena_).subspan(pending_[i].offset, pending_[i].length);
    if (answers[i] == Presence::send) {
      RB_TRY(build(pending_[i].id, bytes));
    } else if (answers[i] == Presence::wait) {
      waiting.push_back({pending_[i].id, waiting_bytes.size(), bytes.size()});
      append(waiting_bytes, bytes);
    }
  }
  pending_ = std::move(waiting);
  if (waiting_bytes.empty()) {
    arena_.clear();  // keeps its memory for the next round
  } else {
    arena_ = std::move(waiting_bytes);
  }
  return {};
}

Status ObjectUploader::Stream::settle_waiting() {
  std::chrono::milliseconds pause = kFirstWait, waited{0};
  while (!pending_.empty() && waited < kWaitInAll && !uploader_.monitor_.stopped()) {
    std::this_thread::sleep_for(pause);
    waited += pause;
    pause = std::min(pause * 2, kLongestWait);
    RB_TRY(ask_pending());
  }
  for (const Pending& chunk : pending_) {
    RB_TRY(build(chunk.id, ByteView(arena_).subspan(chunk.offset, chunk.length)));
  }
  pending_.clear();
  arena_.clear();
  return {};
}

Status ObjectUploader::Stream::build(const ObjectId& id, ByteView bytes) {
  if (!builder_.empty() && builder_.full_for(bytes.size(), 0)) RB_TRY(send_block());
  if (!building_.insert(id).second) return {};
  builder_.add(id, ObjectKind::chunk, {}, bytes);
  uploader_.monitor_.bytes_new += bytes.size();
  return {};
}

Status ObjectUploader::Stream::send_block() {
  building_.clear();
  return uploader_.send(builder_.finish());
}

Status ObjectUploader::Stream::flush() {
  std::lock_guard lock(mutex_);
  RB_TRY(ask_pending());
  RB_TRY(settle_waiting());
  if (!builder_.empty()) RB_TRY(send_block());
  return {};
}

ObjectUploader::ObjectUploader(Session& session, RunMonitor& monitor, UploadOptions options)
    : session_(session),
      monitor_(monitor),
      options_(options),
      metadata_(BlockClass::metadata, {.level = options.compression_level}) {
  for (int i = 0; i < options.streams; ++i) {
    streams_.push_back(
        std::make_unique<Stream>(*this, CompressionOptions{.level = options.compression_level}));
  }
}

ObjectUploader::~ObjectUploader() = default;

Result<ObjectId> ObjectUploader::put(Object object) {
  RB_ASSERT(is_metadata(object.kind));
  const ObjectId id = object_id(object);
  if (options_.discard) return id;
  std::lock_guard lock(metadata_mutex_);
  // Under the lock, so that whoever finds the id knows that it stands before anything that is put later.
  if (recent_.check_and_add(id)) return id;
  if (!metadata_.empty() && metadata_.full_for(object.payload.size(), object.refs.size()))
    RB_TRY(send_metadata());
  if (metadata_building_.insert(id).second) metadata_.add(id, object.kind, object.refs, object.payload);
  return id;
}

Status ObjectUploader::send_metadata() {
  RB_TRY(flush_streams());
  metadata_building_.clear();
  if (session_.must_ask()) {
    const std::vector<ObjectId> ids = metadata_.ids();
    RB_TRY(const std::vector<Presence> answers, session_.ask(ids));
    if (answers.size() != ids.size()) return fail(Errc::protocol, "the store gave too few answers");
    std::vector<bool> wanted;
    wanted.reserve(answers.size());
    for (const Presence answer : answers)
      wanted.push_back(answer != Presence::have);
    metadata_.keep_only(wanted);
    if (metadata_.empty()) return {};
  }
  return send(metadata_.finish());
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
  if (!metadata_.empty()) RB_TRY(send_metadata());
  return session_.flush();
}

}  // namespace rb
