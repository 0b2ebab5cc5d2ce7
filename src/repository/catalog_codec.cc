#include "repository/catalog_codec.h"

#include <algorithm>

#include "base/limits.h"
#include "repository/catalog_row.h"

namespace rb {

namespace {

using catalog_row::damaged;
using catalog_row::kUsualBytes;
using catalog_row::read_flag;

constexpr std::size_t kMaxBegins = 64;          // collections that something counts as young for: a few
constexpr std::size_t kMaxPackNodes = 1 << 20;  // that put something into one pack

void write_optional_time(ByteWriter& w, const std::optional<Timestamp>& time) {
  w.u8(time ? 1 : 0);
  if (!time) return;
  w.u64(static_cast<std::uint64_t>(time->seconds));
  w.u32(time->nanoseconds);
}

std::optional<Timestamp> read_optional_time(ByteReader& r) {
  if (!read_flag(r)) return std::nullopt;
  Timestamp time;
  time.seconds = static_cast<std::int64_t>(r.u64());
  time.nanoseconds = r.u32();
  if (time.nanoseconds > 999'999'999) r.fail();
  return time;
}

}  // namespace

Bytes encode_identity(const RepositoryId& repository) {
  Bytes out;
  out.reserve(kUsualBytes);
  ByteWriter w(out);
  w.u32(kCatalogVersion);
  w.bytes(repository.view());
  return out;
}

Result<RepositoryId> decode_identity(ByteView value) {
  ByteReader r(value);
  const std::uint32_t version = r.u32();
  if (r.ok() && version != kCatalogVersion) return fail(Errc::unsupported, "the catalog has another version");
  const auto repository = r.id<RepositoryId>();
  if (!r.done()) return damaged("its identity");
  return repository;
}

Bytes encode_pack_mark(const PackPosition& mark) {
  Bytes out;
  out.reserve(kUsualBytes);
  ByteWriter w(out);
  w.u64(mark.pack);
  w.u64(mark.offset);
  return out;
}

Result<PackPosition> decode_pack_mark(ByteView value) {
  ByteReader r(value);
  PackPosition mark;
  mark.pack = r.u64();
  mark.offset = r.u64();
  if (!r.done()) return damaged("the packs' mark");
  return mark;
}

Bytes encode_journal_mark(const JournalMark& mark) {
  Bytes out;
  out.reserve(kUsualBytes);
  ByteWriter w(out);
  w.u64(mark.sequence);
  w.bytes(mark.hash.view());
  return out;
}

Result<JournalMark> decode_journal_mark(ByteView value) {
  ByteReader r(value);
  JournalMark mark;
  mark.sequence = r.u64();
  mark.hash = r.id<Digest>();
  if (!r.done()) return damaged("the journal's mark");
  return mark;
}

Bytes encode_count(std::uint64_t count) {
  Bytes out;
  out.reserve(kUsualBytes);
  ByteWriter(out).u64(count);
  return out;
}

Result<std::uint64_t> decode_count(ByteView value) {
  ByteReader r(value);
  const std::uint64_t count = r.u64();
  if (!r.done()) return damaged("a count");
  return count;
}

Bytes encode_object_row(const ObjectRow& row) {
  Bytes out;
  out.reserve(kUsualBytes);
  ByteWriter w(out);
  w.u8(static_cast<std::uint8_t>(row.kind));
  w.u8(row.flags);
  w.varint(row.number);
  w.varint(row.at.pack);
  w.varint(row.at.offset);
  w.varint(row.index);
  w.varint(row.share_bytes);
  return out;
}

Result<ObjectRow> decode_object_row(ByteView value) {
  ByteReader r(value);
  const std::uint8_t kind = r.u8();
  ObjectRow row;
  row.flags = r.u8();
  row.number = r.varint();
  row.at.pack = r.varint();
  row.at.offset = r.varint();
  row.index = static_cast<std::uint32_t>(r.varint_max(kMaxBlockObjects));
  row.share_bytes = static_cast<std::uint32_t>(r.varint_max(UINT32_MAX));
  if (!r.done() || !is_valid_kind(kind) || row.number == 0) return damaged("an object");
  row.kind = static_cast<ObjectKind>(kind);
  return row;
}

Bytes encode_children(std::vector<ObjectNumber> children) {
  std::sort(children.begin(), children.end());
  children.erase(std::unique(children.begin(), children.end()), children.end());
  Bytes out;
  out.reserve(kUsualBytes);
  ByteWriter w(out);
  ObjectNumber previous = 0;
  for (const ObjectNumber child : children) {
    w.varint(child - previous);
    previous = child;
  }
  return out;
}

Result<std::vector<ObjectNumber>> decode_children(ByteView value) {
  ByteReader r(value);
  std::vector<ObjectNumber> children;
  ObjectNumber previous = 0;
  while (r.ok() && r.remaining() > 0) {
    const std::uint64_t delta = r.varint();
    if (delta == 0 || delta > UINT64_MAX - previous || children.size() == kMaxObjectRefs) r.fail();
    previous += delta;
    children.push_back(previous);
  }
  if (!r.done()) return damaged("an object's children");
  return children;
}

Bytes encode_snapshot_row(const CatalogCommit& commit) {
  Bytes out;
  out.reserve(kUsualBytes);
  ByteWriter w(out);
  w.u32(commit.domain);
  w.u64(commit.snapshot.sequence);
  w.u64(static_cast<std::uint64_t>(commit.snapshot.received.seconds));
  w.u32(commit.snapshot.received.nanoseconds);
  w.bytes(commit.snapshot.id.view());
  w.bytes(commit.snapshot.run.view());
  w.bytes(commit.snapshot.object.view());
  return out;
}

Result<SnapshotInfo> decode_snapshot_row(ByteView value) {
  RB_TRY(const CatalogCommit commit, decode_commit_row(0, value));
  return commit.snapshot;
}

Result<CatalogCommit> decode_commit_row(std::uint32_t node, ByteView value) {
  ByteReader r(value);
  CatalogCommit commit{.node = node};
  commit.domain = r.u32();
  SnapshotInfo& info = commit.snapshot;
  info.sequence = r.u64();
  info.received.seconds = static_cast<std::int64_t>(r.u64());
  info.received.nanoseconds = r.u32();
  info.id = r.id<SnapshotId>();
  info.run = r.id<RunId>();
  info.object = r.id<ObjectId>();
  if (!r.done()) return damaged("a snapshot");
  return commit;
}

Bytes encode_snapshot_mark_row(const CatalogSnapshotMark& mark) {
  Bytes out;
  out.reserve(kUsualBytes);
  ByteWriter w(out);
  write_optional_time(w, mark.deleted);
  w.u8(mark.pinned_by_administrator ? 1 : 0);
  w.u8(mark.pinned_by_node ? 1 : 0);
  write_optional_time(w, mark.released);
  return out;
}

Result<CatalogSnapshotMark> decode_snapshot_mark_row(const CatalogSnapshotKey& snapshot, ByteView value) {
  ByteReader r(value);
  CatalogSnapshotMark mark{.snapshot = snapshot};
  mark.deleted = read_optional_time(r);
  mark.pinned_by_administrator = read_flag(r);
  mark.pinned_by_node = read_flag(r);
  mark.released = read_optional_time(r);
  if (!r.done()) return damaged("a snapshot's mark");
  return mark;
}

Bytes encode_times(const CatalogTimes& times) {
  Bytes out;
  out.reserve(kUsualBytes);
  ByteWriter w(out);
  write_optional_time(w, times.newest);
  write_optional_time(w, times.last_pruning);
  write_optional_time(w, times.judged_before);
  write_optional_time(w, times.last_collection);
  return out;
}

Result<CatalogTimes> decode_times(ByteView value) {
  ByteReader r(value);
  CatalogTimes times;
  times.newest = read_optional_time(r);
  times.last_pruning = read_optional_time(r);
  times.judged_before = read_optional_time(r);
  times.last_collection = read_optional_time(r);
  if (!r.done()) return damaged("the times");
  return times;
}

Bytes encode_pack_row(const CatalogPack& pack) {
  Bytes out;
  out.reserve(kUsualBytes);
  ByteWriter w(out);
  w.u8(static_cast<std::uint8_t>(pack.writer));
  w.varint(pack.bytes.size());
  for (const auto& [node, bytes] : pack.bytes) {
    w.u32(node);
    w.varint(bytes);
  }
  return out;
}

Result<CatalogPack> decode_pack_row(std::uint64_t number, ByteView value) {
  ByteReader r(value);
  CatalogPack pack{.pack = number};
  const std::uint8_t writer = r.u8();
  const std::uint64_t count = r.varint_max(kMaxPackNodes);
  for (std::uint64_t i = 0; r.ok() && i < count; ++i) {
    const std::uint32_t node = r.u32();
    const bool ascends = pack.bytes.empty() || pack.bytes.rbegin()->first < node;
    if (!ascends) r.fail();
    pack.bytes[node] = r.varint();
  }
  if (!r.done() || writer > static_cast<std::uint8_t>(PackWriter::collector)) return damaged("a pack");
  pack.writer = static_cast<PackWriter>(writer);
  return pack;
}

Bytes encode_begins(const std::vector<ObjectNumber>& begins) {
  RB_ASSERT(begins.size() <= kMaxBegins);
  Bytes out;
  out.reserve(kUsualBytes);
  ByteWriter w(out);
  for (const ObjectNumber begin : begins)
    w.u64(begin);
  return out;
}

Result<std::vector<ObjectNumber>> decode_begins(ByteView value) {
  ByteReader r(value);
  std::vector<ObjectNumber> begins;
  while (r.ok() && r.remaining() > 0 && begins.size() < kMaxBegins)
    begins.push_back(r.u64());
  if (!r.done()) return damaged("the collections begun");
  return begins;
}

Bytes encode_dead_page(const NumberBitmap::Page& page) {
  Bytes out;
  out.reserve(sizeof page);
  ByteWriter w(out);
  for (const std::uint64_t word : page)
    w.u64(word);
  return out;
}

Result<NumberBitmap::Page> decode_dead_page(ByteView value) {
  ByteReader r(value);
  NumberBitmap::Page page;
  for (std::uint64_t& word : page)
    word = r.u64();
  if (!r.done()) return damaged("the dead set");
  return page;
}

}  // namespace rb
