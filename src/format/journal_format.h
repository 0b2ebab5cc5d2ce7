// The journal's bytes: segments of records. A record carries its sequence number and its predecessor's hash,
// and ends with a hash over all of itself, so that the last hash vouches for the whole history.
// docs/format.md, "Journal".
#pragma once

#include <optional>
#include <string>

#include "base/hash.h"
#include "format/journal_record.h"

namespace rb {

inline constexpr std::uint32_t kJournalVersion = 0;
inline constexpr std::size_t kJournalSegmentHeaderBytes = 64;
// A record's fixed part and its hash; the payload stands between them.
inline constexpr std::size_t kJournalRecordHeaderBytes = 56;
inline constexpr std::size_t kJournalRecordBytesMin = kJournalRecordHeaderBytes + Digest::kSize;
// Names are the longest things in it. Small, so that a damaged length can't send a search far.
inline constexpr std::size_t kJournalRecordBytesMax = 16 << 10;
// Records begin with these bytes, at any offset.
inline constexpr std::string_view kJournalRecordMagic = "\xe7rbjrnl\n";

// "0000002a.journal" for 42.
std::string journal_file_name(std::uint32_t number);
// Nothing for any other name.
std::optional<std::uint32_t> journal_number_of(std::string_view file_name);

struct JournalSegmentHeader {
  RepositoryId repository;
  std::uint32_t number = 0;  // of the segment, in its copy
  bool operator==(const JournalSegmentHeader&) const = default;
};

Bytes encode_journal_segment_header(const JournalSegmentHeader& header);
// Of the first kJournalSegmentHeaderBytes. Errc::unsupported for a version it does not know, else
// Errc::corrupt.
Result<JournalSegmentHeader> decode_journal_segment_header(ByteView bytes);

// What the first record names as its predecessor: binds the chain to its repository.
Digest journal_root(const RepositoryId& repository);

// A record whose hash is right. What it says is in `payload`, still to be decoded.
struct JournalFrame {
  std::uint64_t sequence = 0;
  std::uint32_t kind = 0;
  Digest predecessor;
  Digest hash;
  ByteView payload;  // into the bytes it was decoded from
  std::size_t record_bytes = 0;
};

// Of the record that `bytes` begin with. Errc::corrupt when they don't, or are cut short.
Result<JournalFrame> decode_journal_frame(ByteView bytes);

// Requires: check_journal_record. The hash is the last 32 bytes.
Bytes encode_journal_record(std::uint64_t sequence, const Digest& predecessor, const JournalRecord& record);

}  // namespace rb
