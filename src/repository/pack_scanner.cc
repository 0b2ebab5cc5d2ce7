#include "repository/pack_scanner.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "repository/lenient_read.h"

namespace rb {

namespace {

// Large enough that a sequential disk is busy reading, small beside the largest record.
constexpr std::size_t kScanWindowBytes = 1 << 20;
constexpr std::size_t kSearchBytes = 64 << 10;

// A view of a file that moves forward. Places that can't be read are zeros: the checks of what stands there
// fail.
class FileWindow {
 public:
  FileWindow(const File& file, std::uint64_t end) : file_(file), end_(end) {}

  // Fewer bytes only at the end. Valid until the next call.
  ByteView view(std::uint64_t offset, std::size_t length) {
    length = static_cast<std::size_t>(std::min<std::uint64_t>(length, end_ - std::min(offset, end_)));
    if (offset < begin_ || offset + length > begin_ + filled_) fill(offset, length);
    const std::size_t at = static_cast<std::size_t>(offset - begin_);
    return ByteView(buffer_).subspan(at, length);
  }

 private:
  void fill(std::uint64_t offset, std::size_t length) {
    std::size_t kept = 0;
    if (offset >= begin_ && offset < begin_ + filled_) {
      kept = static_cast<std::size_t>(begin_ + filled_ - offset);
      std::memmove(buffer_.data(), buffer_.data() + (offset - begin_), kept);
    }
    begin_ = offset;
    filled_ =
        static_cast<std::size_t>(std::min<std::uint64_t>(std::max(length, kScanWindowBytes), end_ - offset));
    if (buffer_.size() < filled_) buffer_.resize(filled_);
    if (filled_ > kept)
      read_leniently(file_, begin_ + kept, std::span(buffer_).subspan(kept, filled_ - kept));
  }

  const File& file_;
  std::uint64_t end_;
  Bytes buffer_;
  std::uint64_t begin_ = 0;  // where buffer_ stands in the file
  std::size_t filled_ = 0;
};

// The next aligned place at or after `from` that begins like a record, or `end`.
std::uint64_t find_magic(FileWindow& window, std::uint64_t from, std::uint64_t end) {
  std::uint64_t magic = 0;
  std::memcpy(&magic, kPackRecordMagic.data(), sizeof magic);
  while (from < end) {
    const ByteView bytes = window.view(from, kSearchBytes);
    std::size_t at = 0;
    for (; at + sizeof magic <= bytes.size(); at += kPackAlignment) {
      std::uint64_t here = 0;
      std::memcpy(&here, bytes.data() + at, sizeof here);
      if (here == magic) return from + at;
    }
    if (bytes.size() < kSearchBytes) return end;
    from += at;
  }
  return end;
}

// Damage to a pack's header is no reason to give up its records: each proves by itself where it belongs.
Result<std::uint64_t> skipped_of_header(ByteView bytes, std::uint64_t number,
                                        const RepositoryId& repository) {
  if (bytes.empty()) return std::uint64_t{0};  // a pack that a power cut met before its first record
  const Result<PackHeader> header = decode_pack_header(bytes);
  if (header && header->number == number && header->repository == repository) return std::uint64_t{0};
  if (!header && header.error().code == Errc::unsupported) {
    return std::unexpected(header.error().with(pack_file_name(number)));
  }
  log(LogLevel::error, "{}: {}", pack_file_name(number),
      header ? "its header names another pack or repository" : header.error().message);
  return std::uint64_t{bytes.size()};
}

class Scan {
 public:
  Scan(const File& file, const PackScanRange& range, const HashKey& record_key,
       const PackStore::Visitor& visit, const RecordCorrector& corrected)
      : window_(file, range.end),
        end_(range.end),
        record_key_(record_key),
        visit_(visit),
        corrected_(corrected),
        at_(range.from) {}

  Result<PackStore::ScanResult> run(const RepositoryId& repository) {
    if (at_.offset < kPackHeaderBytes) {
      const ByteView bytes = window_.view(0, kPackHeaderBytes);
      RB_TRY(result_.skipped_bytes, skipped_of_header(bytes, at_.pack, repository));
      at_.offset = kPackHeaderBytes;
    }
    at_.offset = (at_.offset + kPackAlignment - 1) / kPackAlignment * kPackAlignment;
    while (at_.offset < end_)
      RB_TRY(visit_next());
    for (bool more = true; more;) {  // what the file has lost at its end
      RB_TRY(more, visit_corrected());
    }
    return result_;
  }

 private:
  Status visit_next() {
    const auto header =
        decode_pack_record_header(window_.view(at_.offset, kPackRecordHeaderBytes), at_, record_key_);
    const std::size_t used_bytes = header ? header->block_offset() + header->block_bytes : 0;
    const bool is_there = header && used_bytes <= end_ - at_.offset;
    if (is_there) {
      const ByteView record = window_.view(at_.offset, used_bytes);
      const ByteView block = record.subspan(header->block_offset());
      const Status whole = check_pack_record(record.first(header->block_offset()), block, at_, record_key_);
      if (whole) return take(header->owner, block, header->record_bytes());
      log(LogLevel::error, "{}", whole.error().message);
    }
    RB_TRY(const bool visited, visit_corrected());
    if (visited) return {};
    if (is_there) result_.damaged.push_back(at_);
    const std::uint64_t next = is_there ? std::min<std::uint64_t>(end_, at_.offset + header->record_bytes())
                                        : find_magic(window_, at_.offset + kPackAlignment, end_);
    result_.skipped_bytes += next - at_.offset;
    at_.offset = next;
    return {};
  }

  // False: nobody knows of a record here.
  Result<bool> visit_corrected() {
    if (!corrected_) return false;
    const auto record = corrected_(at_);
    if (!record) return false;
    const PackRecordHeader header{.owner = record->owner,
                                  .block_bytes = static_cast<std::uint32_t>(record->block.size())};
    RB_TRY(take(record->owner, record->block, header.record_bytes()));
    return true;
  }

  Status take(const PackRecordOwner& owner, ByteView block, std::uint64_t record_bytes) {
    RB_TRY(visit_(at_, owner, block));
    ++result_.records;
    at_.offset += record_bytes;
    return {};
  }

  FileWindow window_;
  const std::uint64_t end_;
  const HashKey& record_key_;
  const PackStore::Visitor& visit_;
  const RecordCorrector& corrected_;
  PackPosition at_;
  PackStore::ScanResult result_;
};

}  // namespace

Result<PackStore::ScanResult> scan_pack(const File& file, const PackScanRange& range,
                                        const HashKey& record_key, const RepositoryId& repository,
                                        const PackStore::Visitor& visit, const RecordCorrector& corrected) {
  return Scan(file, range, record_key, visit, corrected).run(repository);
}

}  // namespace rb
