#include "format/snapshot.h"

#include <algorithm>

#include "base/byte_codec.h"
#include "base/limits.h"
#include "format/entry_rules.h"

// Layout: docs/format.md, "Snapshot". The order of the fields is that of encode_snapshot.

namespace rb {
namespace {

constexpr std::uint8_t kSnapshotVersion = 0;
constexpr std::uint8_t kMerged = 1;     // flag of a snapshot
constexpr std::uint8_t kRecursive = 1;  // flags of a source
constexpr std::uint8_t kDeleting = 2;

// Fields of a source that are not its path take at least this much; bounds a count before memory is taken.
constexpr std::size_t kMinSourceBytes = 12;

std::unexpected<Error> corrupt_snapshot(const char* what) {
  return fail(Errc::corrupt, std::string("snapshot: ") + what);
}

void write_time(ByteWriter& writer, const Timestamp& time) {
  writer.varint(zigzag(time.seconds));
  writer.u32(time.nanoseconds);
}

Timestamp read_time(ByteReader& reader) {
  Timestamp time;
  time.seconds = unzigzag(reader.varint());
  time.nanoseconds = reader.u32();
  if (time.nanoseconds >= kNanosecondsPerSecond) reader.fail();
  return time;
}

std::string read_text(ByteReader& reader, std::size_t max) {
  return std::string(as_text(reader.sized(max)));
}

// Absolute, in its shortest form: "/" or "/a/b".
bool is_source_path(std::string_view path) {
  if (path == "/") return true;
  if (path.empty() || path.front() != '/' || path.size() > kMaxPathBytes) return false;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    if (!is_entry_name(path.substr(at + 1, end - at - 1))) return false;
    at = end;
  }
  return true;
}

constexpr std::uint64_t SnapshotCounts::*const kCounts[] = {
    &SnapshotCounts::created,   &SnapshotCounts::changed,   &SnapshotCounts::unchanged,
    &SnapshotCounts::removed,   &SnapshotCounts::failed,    &SnapshotCounts::bytes_read,
    &SnapshotCounts::bytes_new, &SnapshotCounts::bytes_sent};

void write_source(ByteWriter& writer, const Source& source) {
  writer.sized(source.path);
  write_time(writer, source.completed);
  writer.u8(
      static_cast<std::uint8_t>((source.recursive ? kRecursive : 0) | (source.deleting ? kDeleting : 0)));
  writer.varint(source.warnings);
  writer.varint(source.files);
  writer.varint(source.bytes);
  writer.varint(source.device);
  writer.varint(source.excludes.size());
  for (const std::string& pattern : source.excludes)
    writer.sized(pattern);
}

// Takes the patterns it reads from `excludes_left`.
Source read_source(ByteReader& reader, std::size_t& excludes_left) {
  Source source;
  source.path = read_text(reader, kMaxPathBytes);
  source.completed = read_time(reader);
  const std::uint8_t flags = reader.u8();
  if (flags > (kRecursive | kDeleting)) reader.fail();
  source.recursive = (flags & kRecursive) != 0;
  source.deleting = (flags & kDeleting) != 0;
  source.warnings = reader.varint();
  source.files = reader.varint();
  source.bytes = reader.varint();
  source.device = reader.varint();
  const std::uint64_t excludes = reader.varint_max(excludes_left);
  excludes_left -= excludes;
  for (std::uint64_t i = 0; i < excludes && reader.ok(); ++i) {
    source.excludes.push_back(read_text(reader, kMaxPathBytes));
  }
  return source;
}

Status check_sources(const std::vector<Source>& sources) {
  if (sources.size() > kMaxSources) return fail(Errc::invalid_argument, "too many sources in one snapshot");
  std::size_t excludes = 0;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!is_source_path(sources[i].path))
      return fail(Errc::invalid_argument, "a source that is no absolute path");
    if (i > 0 && sources[i - 1].path >= sources[i].path) {
      return fail(Errc::invalid_argument, "sources out of order");
    }
    if (sources[i].completed.nanoseconds >= kNanosecondsPerSecond) {
      return fail(Errc::invalid_argument, "impossible time");
    }
    excludes += sources[i].excludes.size();
    if (excludes > kMaxExcludes)
      return fail(Errc::invalid_argument, "too many exclude patterns in one snapshot");
    for (const std::string& pattern : sources[i].excludes) {
      if (pattern.size() > kMaxPathBytes)
        return fail(Errc::invalid_argument, "an exclude pattern is too long");
    }
  }
  return {};
}

Bytes encode_payload(const Snapshot& snapshot) {
  Bytes payload;
  ByteWriter writer(payload);
  writer.u8(kSnapshotVersion);
  writer.u8(snapshot.merged ? kMerged : 0);
  write_time(writer, snapshot.client_time);
  writer.sized(snapshot.host);
  writer.sized(snapshot.client_version);
  for (const auto count : kCounts)
    writer.varint(snapshot.counts.*count);
  writer.varint(snapshot.sources.size());
  for (const Source& source : snapshot.sources)
    write_source(writer, source);
  const std::size_t warnings = std::min(snapshot.warnings.size(), kMaxSnapshotWarnings);
  writer.varint(warnings);
  for (std::size_t i = 0; i < warnings; ++i) {
    writer.sized(std::string_view(snapshot.warnings[i]).substr(0, kMaxWarningBytes));
  }
  return payload;
}

}  // namespace

Status check_snapshot(const Snapshot& snapshot) {
  if (snapshot.client_time.nanoseconds >= kNanosecondsPerSecond)
    return fail(Errc::invalid_argument, "impossible time");
  if (snapshot.host.size() > kMaxLabelBytes || snapshot.client_version.size() > kMaxLabelBytes) {
    return fail(Errc::invalid_argument, "the name of the host or the version is too long");
  }
  RB_TRY(check_sources(snapshot.sources));
  if (ObjectId::kSize + encode_payload(snapshot).size() > kMaxMetadataBytes) {
    return fail(Errc::invalid_argument, "too many or too long sources and excludes in one snapshot");
  }
  return {};
}

Object encode_snapshot(const Snapshot& snapshot) {
  RB_ASSERT(check_snapshot(snapshot));
  return {.kind = ObjectKind::snapshot, .refs = {snapshot.root}, .payload = encode_payload(snapshot)};
}

Result<Snapshot> decode_snapshot(std::span<const ObjectId> refs, ByteView payload) {
  if (refs.size() != 1) return corrupt_snapshot("not exactly one root tree");
  if (ObjectId::kSize + payload.size() > kMaxMetadataBytes)
    return corrupt_snapshot("larger than any snapshot may be");
  ByteReader reader(payload);
  const std::uint8_t version = reader.u8();
  if (reader.ok() && version != kSnapshotVersion) return fail(Errc::unsupported, "snapshot: unknown version");
  Snapshot snapshot;
  snapshot.root = refs[0];
  const std::uint8_t flags = reader.u8();
  if (flags > kMerged) return corrupt_snapshot("unknown flags");
  snapshot.merged = flags == kMerged;
  snapshot.client_time = read_time(reader);
  snapshot.host = read_text(reader, kMaxLabelBytes);
  snapshot.client_version = read_text(reader, kMaxLabelBytes);
  for (const auto count : kCounts)
    snapshot.counts.*count = reader.varint();

  const std::uint64_t sources =
      reader.varint_max(std::min(kMaxSources, reader.remaining() / kMinSourceBytes));
  std::size_t excludes_left = kMaxExcludes;
  for (std::uint64_t i = 0; i < sources && reader.ok(); ++i) {
    snapshot.sources.push_back(read_source(reader, excludes_left));
  }
  const std::uint64_t warnings = reader.varint_max(kMaxSnapshotWarnings);
  for (std::uint64_t i = 0; i < warnings && reader.ok(); ++i) {
    snapshot.warnings.push_back(read_text(reader, kMaxWarningBytes));
  }
  if (!reader.ok()) return corrupt_snapshot("cut off, or a field out of its bounds");
  if (!reader.done()) return corrupt_snapshot("bytes after the end");
  if (Status status = check_sources(snapshot.sources); !status)
    return corrupt_snapshot(status.error().message.c_str());
  return snapshot;
}

}  // namespace rb
