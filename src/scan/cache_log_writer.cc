#include "scan/cache_log_writer.h"

#include <cerrno>
#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

namespace rb {

namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

// Checkpoints of dead runs that are kept beside the new one until it is finished. A client that is killed
// over and over leaves one each time, of which the newest holds about all that the older ones do.
constexpr std::size_t kDeadCheckpoints = 4;

}  // namespace

CacheLogWriter::CacheLogWriter(CacheFiles files) : files_(std::move(files)) {
  files_.remove_dead_checkpoints(kDeadCheckpoints);
  Result<CacheFiles::NewFile> file = files_.create_checkpoint();
  if (!file) {
    failed_ = std::move(file).error();
    return;
  }
  file_ = std::move(*file);
  buffer_.reserve(kBufferBytes);
  put(bytes_of(CacheFileHeader::make(files_.key())));
}

CacheLogWriter::~CacheLogWriter() {
  if (finished_ || failed_) return;
  if (end_ == sizeof(CacheFileHeader)) {
    ::unlink(file_.path.c_str());
  } else {
    write_out();
  }
}

std::uint32_t CacheLogWriter::next_serial() {
  const std::lock_guard lock(mutex_);
  return ++serial_;
}

std::uint64_t CacheLogWriter::append_pages(FrameHeader header, ByteView rows, ByteView pages) {
  header.kind = FrameKind::pages;
  header.rows_bytes = static_cast<std::uint32_t>(rows.size());
  header.pages_bytes = static_cast<std::uint32_t>(pages.size());
  header.rows_checksum = cache_checksum(rows);
  header.pages_checksum = cache_checksum(pages);
  header.seal();
  const std::lock_guard lock(mutex_);
  return append(header, rows, pages);
}

std::uint64_t CacheLogWriter::append_copy(FrameHeader header, ByteView rows, ByteView pages) {
  header.seal();
  const std::lock_guard lock(mutex_);
  return append(header, rows, pages);
}

void CacheLogWriter::append_directory(const DirectoryRecord& record, std::uint32_t serial) {
  const Bytes bytes = encode_directory_record(record);
  FrameHeader header;
  header.kind = FrameKind::directory;
  header.serial = serial;
  header.key = place_key(record.path);
  header.rows_bytes = static_cast<std::uint32_t>(bytes.size());
  header.rows_checksum = cache_checksum(bytes);
  header.pages_checksum = cache_checksum({});
  header.seal();
  const std::lock_guard lock(mutex_);
  if (const std::uint64_t place = append(header, bytes, {}); place != 0) directories_.set(header.key, place);
}

bool CacheLogWriter::has_directory(const PlaceKey& key) const {
  const std::lock_guard lock(mutex_);
  return directories_.find(key).has_value();
}

void CacheLogWriter::flush() {
  const std::lock_guard lock(mutex_);
  write_out();
}

Status CacheLogWriter::finish(const ObjectId& root_tree) {
  {
    const std::lock_guard lock(mutex_);
    RB_ASSERT(!finished_);
    if (!failed_) write_index(root_tree);
    if (!failed_ && ::rename(file_.path.c_str(), files_.finished().c_str()) != 0) {
      give_up(fail_errno(fmt::format("replacing {}", files_.finished()), errno).error());
    }
    if (failed_) return std::unexpected(failed_->with("writing the file cache"));
    finished_ = true;
    file_.fd.reset();
  }
  files_.remove_dead_checkpoints(0);
  return {};
}

// From here on everything is called with the lock held (the constructor and the destructor need none).

std::uint64_t CacheLogWriter::append(const FrameHeader& header, ByteView first, ByteView second) {
  const std::uint64_t place = end_;
  put(bytes_of(header));
  put(first);
  put(second);
  return failed_ || finished_ ? 0 : place;
}

void CacheLogWriter::put(ByteView bytes) {
  if (failed_ || finished_) return;
  if (buffer_.size() + bytes.size() > kBufferBytes) write_out();
  rb::append(buffer_, bytes);
  end_ += bytes.size();
  if (buffer_.size() >= kBufferBytes) write_out();
}

void CacheLogWriter::write_out() {
  ByteView left = buffer_;
  while (!left.empty() && !failed_ && !finished_) {
    const ssize_t n = ::write(file_.fd.get(), left.data(), left.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      return give_up(fail_errno(fmt::format("writing {}", file_.path), n < 0 ? errno : EIO).error());
    left = left.subspan(static_cast<std::size_t>(n));
  }
  buffer_.clear();
}

void CacheLogWriter::give_up(Error error) {
  failed_ = std::move(error);
  ::unlink(file_.path.c_str());
  file_.fd.reset();
  buffer_ = {};
  directories_ = {};
}

void CacheLogWriter::write_index(const ObjectId& root_tree) {
  const std::vector<IndexItem> index = directories_.take_sorted();
  const std::uint64_t place = end_;
  for (const IndexItem& item : index)
    put(bytes_of(item));
  put(bytes_of(CacheFooter::make(place, index.size(), root_tree)));
  write_out();
}

}  // namespace rb
