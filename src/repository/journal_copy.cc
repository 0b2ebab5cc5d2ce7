#include "repository/journal_copy.h"

#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/log.h"

namespace rb {

namespace {

// Segments are read whole, and a damaged one is one that somebody looks at with a hex editor.
constexpr std::uint64_t kSegmentBytes = 4 << 20;
constexpr std::uint64_t kSegmentBytesMax = kSegmentBytes + kJournalRecordBytesMax;

// Errors that say something about the journal as such; all others are about this copy.
bool concerns_all_copies(const Error& error) {
  return error.code == Errc::unsupported || error.code == Errc::conflict;
}

}  // namespace

std::string JournalCopy::path(std::uint32_t segment) const {
  return directory_ + "/" + journal_file_name(segment);
}

Result<JournalCopy::Contents> JournalCopy::load() {
  Contents contents;
  const auto load_all = [&]() -> Status {
    RB_TRY(const bool exists, fs_.exists(directory_));
    if (!exists) RB_TRY(fs_.create_directory(directory_));
    // A killed process may have left names and bytes in the kernel's memory only; what is believed must be
    // durable.
    RB_TRY(fs_.sync_directory(parent_directory(directory_)));
    RB_TRY(fs_.sync_directory(directory_));
    RB_TRY(const std::vector<std::string> names, fs_.list(directory_));
    for (const std::string& name : names) {
      const std::optional<std::uint32_t> segment = journal_number_of(name);
      if (!segment) continue;
      last_segment_ = std::max(last_segment_, *segment);
      const Status loaded = load_segment(*segment, contents);
      if (!loaded && concerns_all_copies(loaded.error())) return loaded;
      if (!loaded) contents.problem = loaded.error();
    }
    return {};
  };
  if (const Status loaded = load_all(); !loaded) {
    if (concerns_all_copies(loaded.error())) return std::unexpected(loaded.error());
    contents.problem = loaded.error();
  }
  return contents;
}

Status JournalCopy::load_segment(std::uint32_t segment, Contents& contents) {
  RB_TRY(const auto file, fs_.open(path(segment), OpenMode::read));
  RB_TRY(file->sync());
  file->drop_cache();
  RB_TRY(const Bytes bytes, read_file(fs_, path(segment), kSegmentBytesMax));
  return parse_segment(segment, bytes, contents);
}

Status JournalCopy::parse_segment(std::uint32_t segment, ByteView bytes, Contents& contents) const {
  const std::string name = path(segment);
  const Result<JournalSegmentHeader> header = decode_journal_segment_header(bytes);
  if (!header && header.error().code == Errc::unsupported) return std::unexpected(header.error().with(name));
  if (header && header->repository != repository_) {
    return fail(Errc::conflict, fmt::format("{} belongs to another repository", name));
  }
  // A damaged header is no reason to give up the records: they are chained to the repository by their hashes.
  std::size_t at = header ? kJournalSegmentHeaderBytes : 0;
  std::size_t skipped_bytes = 0;
  while (at < bytes.size()) {
    const Result<JournalFrame> frame = decode_journal_frame(bytes.subspan(at));
    if (!frame) {
      const std::string_view rest = as_text(bytes.subspan(at + 1));
      const std::size_t step = 1 + std::min(rest.find(kJournalRecordMagic), rest.size());
      skipped_bytes += step;
      at += step;
      continue;
    }
    if (const auto record = decode_journal_payload(frame->kind, frame->payload); !record) {
      return std::unexpected(record.error().with(fmt::format("record {} in {}", frame->sequence, name)));
    }
    contents.items.push_back({.sequence = frame->sequence,
                              .hash = shorten(frame->hash),
                              .predecessor = shorten(frame->predecessor),
                              .place = {.segment = segment,
                                        .offset = static_cast<std::uint32_t>(at),
                                        .length = static_cast<std::uint32_t>(frame->record_bytes)}});
    at += frame->record_bytes;
  }
  if (skipped_bytes > 0) {
    log(LogLevel::warning, "{}: {} bytes belong to no record (damage, or a write that a crash cut short)",
        name, skipped_bytes);
  }
  contents.skipped_bytes += skipped_bytes;
  return {};
}

Status JournalCopy::make_ready(std::size_t record_bytes) {
  if (file_ && file_end_ + record_bytes <= kSegmentBytes) return {};
  RB_TRY(sync());
  file_.reset();
  RB_ASSERT(last_segment_ < UINT32_MAX);
  const std::uint32_t segment = ++last_segment_;
  RB_TRY(auto file, fs_.open(path(segment), OpenMode::create_new));
  const auto begin = [&]() -> Status {
    RB_TRY(file->write_at(0, encode_journal_segment_header({.repository = repository_, .number = segment})));
    return fs_.sync_directory(directory_);
  };
  if (const Status begun = begin(); !begun) {
    // It holds no record. Left behind it would do no harm, but a full disk would collect many.
    (void)fs_.remove(path(segment));
    return begun;
  }
  file_ = std::move(file);
  file_end_ = kJournalSegmentHeaderBytes;
  return {};
}

Result<JournalPlace> JournalCopy::write(ByteView record) {
  RB_ASSERT(file_ != nullptr);
  RB_TRY(file_->write_at(file_end_, record));
  const JournalPlace place{.segment = last_segment_,
                           .offset = static_cast<std::uint32_t>(file_end_),
                           .length = static_cast<std::uint32_t>(record.size())};
  file_end_ += record.size();
  return place;
}

Status JournalCopy::sync() {
  return file_ ? file_->sync() : Status{};
}

void JournalCopy::leave_segment() {
  file_.reset();
  file_end_ = 0;
}

Result<ByteView> JournalCopy::Reader::read(const JournalPlace& place) {
  const std::size_t end = std::size_t{place.offset} + place.length;
  if (segment_ != place.segment || bytes_.size() < end) {
    segment_ = 0;
    RB_TRY(bytes_, read_file(copy_.fs_, copy_.path(place.segment), kSegmentBytesMax));
    segment_ = place.segment;
  }
  if (bytes_.size() < end) {
    return fail(Errc::corrupt, fmt::format("{} has become shorter", copy_.path(place.segment)));
  }
  const ByteView record = ByteView(bytes_).subspan(place.offset, place.length);
  if (const auto frame = decode_journal_frame(record); !frame) {
    return std::unexpected(
        frame.error().with(fmt::format("{} at {}", copy_.path(place.segment), place.offset)));
  }
  return record;
}

}  // namespace rb
