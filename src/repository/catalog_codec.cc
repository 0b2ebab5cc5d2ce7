#include "repository/catalog_codec.h"

#include <algorithm>

#include "base/byte_codec.h"
#include "base/limits.h"

namespace rb {

namespace {

// The first byte of a key.
enum class Table : char {
  meta = 'm',
  object_count = 'n',
  domain = 'd',
  node = 'u',
  pack = 'p',
  object = 'o',
  children = 'c',
  snapshot = 's',
  run = 'r',
  snapshot_id = 'i',
  stored_bytes = 'b',
  credential = 'k',
  invitation = 'v',
  dead_page = 'x',
  snapshot_mark = 'h',
};

constexpr std::size_t kMaxLabelBytes = 4096;
constexpr std::size_t kUsualRowBytes = 128;
constexpr std::size_t kMaxBegins = 64;          // collections that something counts as young for: a few
constexpr std::size_t kMaxPackNodes = 1 << 20;  // that put something into one pack

template <typename T>
void append_big_endian(std::string& key, T number) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>((number >> shift) & 0xff));
  }
}

std::string key_of(Table table) {
  return std::string(1, static_cast<char>(table));
}

template <typename T>
std::string key_of(Table table, T number) {
  std::string key = key_of(table);
  append_big_endian(key, number);
  return key;
}

std::string key_of(Table table, const CredentialId& id) {
  return key_of(table) + std::string(as_text(id.view()));
}

std::string key_of(Table table, std::uint32_t number, ByteView id) {
  std::string key;
  key.reserve(1 + sizeof number + id.size());
  key += key_of(table, number);
  key += as_text(id);
  return key;
}

template <typename T>
T number_at_end(std::string_view key) {
  RB_ASSERT(key.size() >= sizeof(T));
  T number = 0;
  for (const char c : key.substr(key.size() - sizeof(T)))
    number = (number << 8) | static_cast<std::uint8_t>(c);
  return number;
}

std::unexpected<Error> damaged(std::string_view what) {
  return fail(Errc::corrupt, "the catalog's row of " + std::string(what) + " makes no sense");
}

bool read_flag(ByteReader& r) {
  const std::uint8_t flag = r.u8();
  if (flag > 1) r.fail();
  return flag == 1;
}

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

std::string identity_key() {
  return key_of(Table::meta) + "identity";
}
std::string pack_mark_key() {
  return key_of(Table::meta) + "packs";
}
std::string counted_mark_key() {
  return key_of(Table::meta) + "counted";
}
std::string journal_mark_key() {
  return key_of(Table::meta) + "journal";
}
std::string next_number_key() {
  return key_of(Table::meta) + "number";
}
std::string times_key() {
  return key_of(Table::meta) + "times";
}
std::string begins_key() {
  return key_of(Table::meta) + "begins";
}
std::string dead_limit_key() {
  return key_of(Table::meta) + "dead";
}
std::string dead_page_key(std::uint64_t index) {
  return key_of(Table::dead_page, index);
}
std::string object_count_key(std::uint32_t domain) {
  return key_of(Table::object_count, domain);
}
std::string stored_bytes_key(std::uint32_t node) {
  return key_of(Table::stored_bytes, node);
}
std::string domain_key(std::uint32_t domain) {
  return key_of(Table::domain, domain);
}
std::string node_key(std::uint32_t node) {
  return key_of(Table::node, node);
}
std::string credential_key(const CredentialId& id) {
  return key_of(Table::credential, id);
}
std::string invitation_key(const CredentialId& id) {
  return key_of(Table::invitation, id);
}
std::string pack_key(std::uint64_t pack) {
  return key_of(Table::pack, pack);
}
std::string object_key(std::uint32_t domain, const ObjectId& id) {
  return key_of(Table::object, domain, id.view());
}
std::string children_key(ObjectNumber number) {
  return key_of(Table::children, number);
}
std::string snapshot_mark_key(const CatalogSnapshotKey& snapshot) {
  std::string key = key_of(Table::snapshot_mark, snapshot.node);
  append_big_endian(key, snapshot.sequence);
  return key;
}
std::string snapshot_mark_prefix() {
  return key_of(Table::snapshot_mark);
}
std::string run_key(std::uint32_t node, const RunId& run) {
  return key_of(Table::run, node, run.view());
}
std::string snapshot_id_key(std::uint32_t node, const SnapshotId& id) {
  return key_of(Table::snapshot_id, node, id.view());
}
std::string snapshot_key(std::uint32_t node, std::uint64_t sequence) {
  std::string key = snapshot_prefix(node);
  append_big_endian(key, sequence);
  return key;
}

std::string object_count_prefix() {
  return key_of(Table::object_count);
}
std::string stored_bytes_prefix() {
  return key_of(Table::stored_bytes);
}
std::string credential_prefix() {
  return key_of(Table::credential);
}
std::string invitation_prefix() {
  return key_of(Table::invitation);
}
std::string domain_prefix() {
  return key_of(Table::domain);
}
std::string node_prefix() {
  return key_of(Table::node);
}
std::string pack_prefix() {
  return key_of(Table::pack);
}
std::string snapshot_prefix(std::uint32_t node) {
  return key_of(Table::snapshot, node);
}

std::string all_snapshots_prefix() {
  return key_of(Table::snapshot);
}
std::string object_prefix(std::uint32_t domain) {
  return key_of(Table::object, domain);
}
std::string children_prefix() {
  return key_of(Table::children);
}
std::string dead_page_prefix() {
  return key_of(Table::dead_page);
}

std::uint32_t number32_of_key(std::string_view key) {
  return number_at_end<std::uint32_t>(key);
}
std::uint64_t number64_of_key(std::string_view key) {
  return number_at_end<std::uint64_t>(key);
}

std::optional<ObjectId> object_id_of_key(std::string_view key) {
  constexpr std::size_t kPrefixBytes = 1 + sizeof(std::uint32_t);
  if (key.size() != kPrefixBytes + ObjectId::kSize) return std::nullopt;
  return ObjectId::from(as_bytes(key.substr(kPrefixBytes)));
}
CatalogSnapshotKey snapshot_of_key(std::string_view key) {
  constexpr std::size_t kNodeEnd = 1 + sizeof(std::uint32_t);
  RB_ASSERT(key.size() >= kNodeEnd);
  return {number32_of_key(key.substr(0, kNodeEnd)), number64_of_key(key)};
}

Bytes encode_identity(const RepositoryId& repository) {
  Bytes out;
  out.reserve(kUsualRowBytes);
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
  out.reserve(kUsualRowBytes);
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
  out.reserve(kUsualRowBytes);
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
  out.reserve(kUsualRowBytes);
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
  out.reserve(kUsualRowBytes);
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
  out.reserve(kUsualRowBytes);
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
  out.reserve(kUsualRowBytes);
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
  out.reserve(kUsualRowBytes);
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
  out.reserve(kUsualRowBytes);
  ByteWriter w(out);
  write_optional_time(w, times.newest);
  write_optional_time(w, times.last_pruning);
  write_optional_time(w, times.judged_before);
  return out;
}

Result<CatalogTimes> decode_times(ByteView value) {
  ByteReader r(value);
  CatalogTimes times;
  times.newest = read_optional_time(r);
  times.last_pruning = read_optional_time(r);
  times.judged_before = read_optional_time(r);
  if (!r.done()) return damaged("the times");
  return times;
}

Bytes encode_pack_row(const CatalogPack& pack) {
  Bytes out;
  out.reserve(kUsualRowBytes);
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
  out.reserve(kUsualRowBytes);
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

Bytes encode_node_row(const CatalogNode& node) {
  Bytes out;
  out.reserve(kUsualRowBytes);
  ByteWriter w(out);
  w.u32(node.record.domain);
  w.sized(node.record.name);
  w.u8(node.record.uid ? 1 : 0);
  w.u32(node.record.uid.value_or(0));
  w.sized(node.record.user);
  w.u8(node.removed ? 1 : 0);
  return out;
}

Result<CatalogNode> decode_node_row(std::uint32_t number, ByteView value) {
  ByteReader r(value);
  CatalogNode node;
  node.record.node = number;
  node.record.domain = r.u32();
  node.record.name = as_text(r.sized(kMaxLabelBytes));
  const bool bound = read_flag(r);
  const std::uint32_t uid = r.u32();
  if (bound) node.record.uid = uid;
  node.record.user = as_text(r.sized(kMaxLabelBytes));
  node.removed = read_flag(r);
  if (!r.done()) return damaged("a node");
  return node;
}

Bytes encode_domain_row(const DomainRecord& domain) {
  Bytes out;
  out.reserve(kUsualRowBytes);
  ByteWriter w(out);
  w.u8(domain.chunk_params.algorithm);
  w.u32(domain.chunk_params.min_bytes);
  w.u32(domain.chunk_params.average_bytes);
  w.u32(domain.chunk_params.max_bytes);
  w.bytes(domain.chunk_params.key);
  w.sized(domain.group);
  return out;
}

Result<DomainRecord> decode_domain_row(std::uint32_t number, ByteView value) {
  ByteReader r(value);
  DomainRecord domain;
  domain.domain = number;
  domain.chunk_params.algorithm = r.u8();
  domain.chunk_params.min_bytes = r.u32();
  domain.chunk_params.average_bytes = r.u32();
  domain.chunk_params.max_bytes = r.u32();
  const ByteView key = r.bytes(domain.chunk_params.key.size());
  domain.group = as_text(r.sized(kMaxLabelBytes));
  if (!r.done() || !check_chunk_params(domain.chunk_params)) return damaged("a domain");
  std::copy(key.begin(), key.end(), domain.chunk_params.key.begin());
  return domain;
}

Bytes encode_credential_row(const CatalogCredential& credential) {
  Bytes out;
  out.reserve(kUsualRowBytes);
  ByteWriter w(out);
  w.bytes(credential.id.view());
  w.bytes(credential.secret.view());
  w.u32(credential.node);
  w.u8(credential.revoked ? 1 : 0);
  return out;
}

Result<CatalogCredential> decode_credential_row(ByteView value) {
  ByteReader r(value);
  CatalogCredential credential;
  credential.id = r.id<CredentialId>();
  credential.secret = r.id<SecretHash>();
  credential.node = r.u32();
  credential.revoked = read_flag(r);
  if (!r.done()) return damaged("a credential");
  return credential;
}

Bytes encode_invitation_row(const CatalogInvitation& invitation) {
  Bytes out;
  out.reserve(kUsualRowBytes);
  ByteWriter w(out);
  w.u8(static_cast<std::uint8_t>(invitation.state));
  w.bytes(invitation.used_by.view());
  w.bytes(encode_journal_payload(invitation.record));
  return out;
}

Result<CatalogInvitation> decode_invitation_row(ByteView value) {
  ByteReader r(value);
  CatalogInvitation invitation;
  const std::uint8_t state = r.u8();
  invitation.used_by = r.id<CredentialId>();
  if (!r.ok() || state > static_cast<std::uint8_t>(InvitationState::withdrawn))
    return damaged("an invitation");
  invitation.state = static_cast<InvitationState>(state);
  auto record = decode_journal_payload(journal_kind_of(InvitationRecord{}), r.bytes(r.remaining()));
  if (!record) return damaged("an invitation");
  invitation.record = std::get<InvitationRecord>(std::move(*record));
  return invitation;
}

}  // namespace rb
