#include "format/journal_format.h"

#include <fmt/format.h>

#include "base/byte_codec.h"
#include "format/version.h"

namespace rb {

namespace {

// A byte that is no text first, and a line end that a text transfer would change.
constexpr std::string_view kSegmentMagic = "\xe7rbjseg\n";
constexpr std::string_view kSuffix = ".journal";

}  // namespace

std::string journal_file_name(std::uint32_t number) {
  return fmt::format("{:08x}{}", number, kSuffix);
}

std::optional<std::uint32_t> journal_number_of(std::string_view file_name) {
  if (file_name.size() != 8 + kSuffix.size() || !file_name.ends_with(kSuffix)) return std::nullopt;
  std::array<std::uint8_t, 4> big_endian;
  if (!from_hex(file_name.substr(0, 8), big_endian)) return std::nullopt;
  std::uint32_t number = 0;
  for (const std::uint8_t byte : big_endian)
    number = number << 8 | byte;
  if (number == 0 || journal_file_name(number) != file_name) return std::nullopt;
  return number;
}

Bytes encode_journal_segment_header(const JournalSegmentHeader& header) {
  Bytes out;
  out.reserve(kJournalSegmentHeaderBytes);
  ByteWriter w(out);
  w.bytes(as_bytes(kSegmentMagic));
  w.u32(kJournalVersion);
  w.u32(header.number);
  w.bytes(header.repository.view());
  w.bytes(hash(out).view());
  RB_ASSERT(out.size() == kJournalSegmentHeaderBytes);
  return out;
}

Result<JournalSegmentHeader> decode_journal_segment_header(ByteView bytes) {
  if (bytes.size() < kJournalSegmentHeaderBytes) {
    return fail(Errc::corrupt, "a journal segment's header is cut short");
  }
  ByteReader r(bytes.first(kJournalSegmentHeaderBytes));
  if (as_text(r.bytes(kSegmentMagic.size())) != kSegmentMagic) {
    return fail(Errc::corrupt, "not a journal segment: wrong first bytes");
  }
  const std::uint32_t version = r.u32();
  JournalSegmentHeader header;
  header.number = r.u32();
  header.repository = r.id<RepositoryId>();
  const ByteView hashed = bytes.first(kJournalSegmentHeaderBytes - Digest::kSize);
  if (r.id<Digest>() != hash(hashed)) return fail(Errc::corrupt, "a journal segment's header is damaged");
  if (version != kJournalVersion) {
    return fail_version("the journal", version, kJournalVersion);
  }
  return header;
}

Digest journal_root(const RepositoryId& repository) {
  return Hasher().update(as_bytes("rbbackup journal\n")).update(repository.view()).digest();
}

Result<JournalFrame> decode_journal_frame(ByteView bytes) {
  ByteReader r(bytes);
  if (as_text(r.bytes(kJournalRecordMagic.size())) != kJournalRecordMagic) {
    return fail(Errc::corrupt, "no journal record begins here");
  }
  const std::uint32_t record_bytes = r.u32();
  JournalFrame frame;
  frame.kind = r.u32();
  frame.sequence = r.u64();
  frame.predecessor = r.id<Digest>();
  if (!r.ok() || record_bytes < kJournalRecordBytesMin || record_bytes > kJournalRecordBytesMax ||
      record_bytes > bytes.size()) {
    return fail(Errc::corrupt, "a journal record has a wrong length or is cut short");
  }
  frame.payload = r.bytes(record_bytes - kJournalRecordBytesMin);
  frame.hash = r.id<Digest>();
  frame.record_bytes = record_bytes;
  if (frame.hash != hash(bytes.first(record_bytes - Digest::kSize)) || frame.sequence == 0) {
    return fail(Errc::corrupt, "a journal record is damaged");
  }
  return frame;
}

Bytes encode_journal_record(std::uint64_t sequence, const Digest& predecessor, const JournalRecord& record) {
  RB_ASSERT(sequence > 0 && check_journal_record(record).has_value());
  const Bytes payload = encode_journal_payload(record);
  Bytes out;
  ByteWriter w(out);
  w.bytes(as_bytes(kJournalRecordMagic));
  w.u32(static_cast<std::uint32_t>(kJournalRecordBytesMin + payload.size()));
  w.u32(journal_kind_of(record));
  w.u64(sequence);
  w.bytes(predecessor.view());
  RB_ASSERT(out.size() == kJournalRecordHeaderBytes);
  w.bytes(payload);
  w.bytes(hash(out).view());
  RB_ASSERT(out.size() <= kJournalRecordBytesMax);
  return out;
}

}  // namespace rb
