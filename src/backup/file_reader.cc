#include "backup/file_reader.h"

#include <algorithm>
#include <deque>

#include <fcntl.h>

#include "backup/segment_joiner.h"
#include "base/limits.h"

namespace rb {

namespace {

// Segments that are read, or wait to be joined: enough to keep all cores busy while the one to be joined next
// is being read.
constexpr std::size_t kSegmentsUnderWay = 16;

// Loading the list of what the copy has is worth it for a file that is this large.
constexpr std::uint64_t kListBytes = 1 << 20;

bool is_known_chunk(const Entry* copy, std::size_t size) {
  return copy != nullptr && copy->content_kind == ContentKind::chunk && copy->size == size;
}

KnownChunks known_of(std::uint64_t size, const FileReader::Help& help) {
  if (help.copy == nullptr || help.source == nullptr) return {};
  if (help.copy->content_kind == ContentKind::chunk_list && size < kListBytes) return {};
  return KnownChunks(*help.source, *help.copy);
}

// Has a file's segments read by the pool's threads, a bounded number at a time, and gives them in order.
class SegmentQueue {
 public:
  SegmentQueue(int fd, const FileReader::Help& help)
      : pool_(*help.pool), worker_(*help.worker), shared_(std::make_shared<FileSegment::Shared>()) {
    shared_->fd.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  }
  ~SegmentQueue() { shared_->abandoned = true; }
  SegmentQueue(const SegmentQueue&) = delete;
  SegmentQueue& operator=(const SegmentQueue&) = delete;

  bool works() const { return static_cast<bool>(shared_->fd); }
  bool full() const { return segments_.size() >= kSegmentsUnderWay; }
  bool empty() const { return segments_.empty(); }

  void add(std::vector<SegmentPart> parts, std::vector<KnownChunk> known) {
    segments_.push_back(std::make_shared<FileSegment>(shared_, std::move(parts), std::move(known)));
    pool_.submit(segments_.back());
  }

  std::shared_ptr<FileSegment> take() {
    const std::shared_ptr<FileSegment> segment = std::move(segments_.front());
    segments_.pop_front();
    pool_.wait_for(*segment, worker_);
    return segment;
  }

 private:
  WorkerPool& pool_;
  Worker& worker_;
  const std::shared_ptr<FileSegment::Shared> shared_;
  std::deque<std::shared_ptr<FileSegment>> segments_;
};

Status read_beside(int fd, std::uint64_t size, const FileReader::Help& help, SegmentJoiner& joiner,
                   const RunMonitor& monitor) {
  SegmentPlan plan(fd, size);
  KnownChunks known = known_of(size, help);
  SegmentQueue queue(fd, help);
  if (!queue.works()) return fail_errno("reading", errno);
  for (bool more = true; more || !queue.empty();) {
    while (more && !queue.full()) {
      std::vector<SegmentPart> parts = plan.next();
      more = !parts.empty();
      if (!more) break;
      std::vector<KnownChunk> chunks = known.take_until(parts.back().end);
      queue.add(std::move(parts), std::move(chunks));
    }
    if (queue.empty()) break;
    const std::shared_ptr<FileSegment> segment = queue.take();
    RB_TRY(monitor.status());
    RB_TRY(joiner.join(*segment));
    if (joiner.ended()) break;
  }
  return {};
}

Status read_alone(int fd, std::uint64_t size, const FileReader::Help& help, SegmentJoiner& joiner) {
  SegmentPlan plan(fd, size);
  KnownChunks known = known_of(size, help);
  while (!joiner.ended()) {
    const std::vector<SegmentPart> parts = plan.next();
    if (parts.empty()) break;
    RB_TRY(joiner.read(parts, known.take_until(parts.back().end)));
  }
  return {};
}

}  // namespace

void FileContent::assign_to(Entry& entry) && {
  entry.content_kind = kind;
  entry.inline_content = std::move(inline_content);
  entry.content = id;
  entry.size = size;
}

std::size_t FileReader::small_end() const {
  return std::min<std::size_t>(stretches_.cutter().min_bytes(), kSmallestHole);
}

Result<FileContent> FileReader::read(int fd, std::uint64_t size, const Help& help) {
  if (size >= small_end()) return read_chunks(fd, size, help);
  RB_TRY(const ByteView bytes, stretches_.read_whole(fd, static_cast<std::size_t>(size)));
  return keep_small(bytes, help.copy);
}

Result<std::optional<ByteView>> FileReader::peek(int fd) {
  RB_TRY(const ByteView bytes, stretches_.peek(fd, small_end()));
  if (bytes.size() >= small_end()) return std::nullopt;
  return bytes;
}

Result<FileContent> FileReader::keep_peeked(ByteView bytes, const Entry* copy) {
  monitor_.bytes_read += bytes.size();
  return keep_small(bytes, copy);
}

Result<FileContent> FileReader::keep_small(ByteView bytes, const Entry* copy) {
  if (bytes.empty()) return FileContent{};
  if (bytes.size() <= kInlineContentBytes) {
    return FileContent{.kind = ContentKind::inline_bytes,
                       .inline_content = Bytes(bytes.begin(), bytes.end()),
                       .id = {},
                       .size = bytes.size()};
  }
  FileContent content{.kind = ContentKind::chunk, .inline_content = {}, .id = {}, .size = bytes.size()};
  if (is_known_chunk(copy, bytes.size()) && object_id(ObjectKind::chunk, {}, bytes) == copy->content) {
    content.id = copy->content;
    return content;
  }
  const auto id = stretches_.stream().add_chunk(bytes);
  if (!id) {
    monitor_.stop_with(id.error());
    return std::unexpected(id.error());
  }
  content.id = *id;
  return content;
}

Result<FileContent> FileReader::read_chunks(int fd, std::uint64_t size, const Help& help) {
  ChunkListBuilder list(uploader_);
  SegmentJoiner joiner(fd, stretches_, list, monitor_);
  if (help.pool != nullptr && size >= kSharedFileBytes) {
    RB_TRY(read_beside(fd, size, help, joiner, monitor_));
  } else {
    RB_TRY(read_alone(fd, size, help, joiner));
  }
  auto content = list.finish();
  if (!content) {
    monitor_.stop_with(content.error());
    return std::unexpected(content.error());
  }
  return FileContent{.kind = content->kind, .inline_content = {}, .id = content->id, .size = content->size};
}

}  // namespace rb
