#include "format/journal_format.h"

#include <fmt/format.h>

#include "base/byte_codec.h"

namespace rb {

namespace {

// A byte that is no text first, and a line end that a text transfer would change.
constexpr std::string_view kSegmentMagic = "\xe7rbjseg\n";
constexpr std::string_view kSuffix = ".journal";
constexpr std::uint32_t kNanosecondsMax = 999999999;

// On disk; never reused.
enum class Kind : std::uint32_t { node = 1, domain = 2, commit = 3 };

template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

Kind kind_of(const JournalRecord& record) {
  return std::visit(Overloaded{[](const NodeRecord&) { return Kind::node; },
                               [](const DomainRecord&) { return Kind::domain; },
                               [](const CommitRecord&) { return Kind::commit; }},
                    record);
}

void encode_payload(ByteWriter& w, const NodeRecord& node) {
  w.varint(node.node);
  w.varint(node.domain);
  w.sized(node.name);
  w.u8(node.uid ? 1 : 0);
  if (node.uid) w.varint(*node.uid);
  w.sized(node.user);
}

void encode_payload(ByteWriter& w, const DomainRecord& domain) {
  w.varint(domain.domain);
  w.u8(domain.chunk_params.algorithm);
  w.varint(domain.chunk_params.min_bytes);
  w.varint(domain.chunk_params.average_bytes);
  w.varint(domain.chunk_params.max_bytes);
  w.bytes(domain.chunk_params.key);
}

void encode_payload(ByteWriter& w, const CommitRecord& commit) {
  w.varint(commit.node);
  w.varint(commit.domain);
  w.varint(commit.sequence);
  w.varint(zigzag(commit.received.seconds));
  w.varint(commit.received.nanoseconds);
  w.bytes(commit.run.view());
  w.bytes(commit.snapshot.view());
}

std::uint32_t varint32(ByteReader& r) {
  return static_cast<std::uint32_t>(r.varint_max(UINT32_MAX));
}

NodeRecord decode_node(ByteReader& r) {
  NodeRecord node;
  node.node = varint32(r);
  node.domain = varint32(r);
  node.name = as_text(r.sized(kJournalNameBytesMax));
  const std::uint8_t has_uid = r.u8();
  if (has_uid > 1) r.fail();
  if (has_uid == 1) node.uid = varint32(r);
  node.user = as_text(r.sized(kJournalNameBytesMax));
  return node;
}

DomainRecord decode_domain(ByteReader& r) {
  DomainRecord domain;
  domain.domain = varint32(r);
  domain.chunk_params.algorithm = r.u8();
  domain.chunk_params.min_bytes = varint32(r);
  domain.chunk_params.average_bytes = varint32(r);
  domain.chunk_params.max_bytes = varint32(r);
  const ByteView key = r.bytes(domain.chunk_params.key.size());
  std::copy(key.begin(), key.end(), domain.chunk_params.key.begin());
  return domain;
}

CommitRecord decode_commit(ByteReader& r) {
  CommitRecord commit;
  commit.node = varint32(r);
  commit.domain = varint32(r);
  commit.sequence = r.varint();
  commit.received.seconds = unzigzag(r.varint());
  commit.received.nanoseconds = static_cast<std::uint32_t>(r.varint_max(kNanosecondsMax));
  commit.run = r.id<RunId>();
  commit.snapshot = r.id<ObjectId>();
  return commit;
}

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
    return fail(Errc::unsupported, fmt::format("journal version {} is not known to this program", version));
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
  Bytes payload;
  ByteWriter payload_writer(payload);
  std::visit([&](const auto& value) { encode_payload(payload_writer, value); }, record);
  Bytes out;
  ByteWriter w(out);
  w.bytes(as_bytes(kJournalRecordMagic));
  w.u32(static_cast<std::uint32_t>(kJournalRecordBytesMin + payload.size()));
  w.u32(static_cast<std::uint32_t>(kind_of(record)));
  w.u64(sequence);
  w.bytes(predecessor.view());
  RB_ASSERT(out.size() == kJournalRecordHeaderBytes);
  w.bytes(payload);
  w.bytes(hash(out).view());
  RB_ASSERT(out.size() <= kJournalRecordBytesMax);
  return out;
}

Result<JournalRecord> decode_journal_payload(std::uint32_t kind, ByteView payload) {
  ByteReader r(payload);
  JournalRecord record;
  switch (static_cast<Kind>(kind)) {
    case Kind::node:
      record = decode_node(r);
      break;
    case Kind::domain:
      record = decode_domain(r);
      break;
    case Kind::commit:
      record = decode_commit(r);
      break;
    default:
      return fail(Errc::unsupported, fmt::format("journal records of kind {} are not known to this program "
                                                 "(a newer one wrote them)",
                                                 kind));
  }
  if (!r.done()) return fail(Errc::corrupt, "a journal record's content is malformed");
  return record;
}

Status check_journal_record(const JournalRecord& record) {
  if (const auto* node = std::get_if<NodeRecord>(&record)) {
    if (node->name.size() > kJournalNameBytesMax || node->user.size() > kJournalNameBytesMax) {
      return fail(Errc::invalid_argument, "a node's name is too long");
    }
  }
  if (const auto* commit = std::get_if<CommitRecord>(&record)) {
    if (commit->received.nanoseconds > kNanosecondsMax) {
      return fail(Errc::invalid_argument, "a time has more nanoseconds than a second");
    }
  }
  return {};
}

}  // namespace rb
