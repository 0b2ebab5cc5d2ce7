#include "format/journal_record.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/byte_codec.h"

namespace rb {

namespace {

constexpr std::uint32_t kNanosecondsMax = 999999999;

// On disk; never reused.
enum class Kind : std::uint32_t {
  node = 1,
  domain = 2,
  commit = 3,
  invitation = 4,
  join = 5,
  removal = 6,
  renaming = 7,
  administrator = 8,
  deletion = 9,
  undeletion = 10,
  pin = 11,
  collection = 12,
  pruning = 13,
  revocation = 14,
};

Kind kind_of(const NodeRecord&) {
  return Kind::node;
}
Kind kind_of(const DomainRecord&) {
  return Kind::domain;
}
Kind kind_of(const CommitRecord&) {
  return Kind::commit;
}
Kind kind_of(const InvitationRecord&) {
  return Kind::invitation;
}
Kind kind_of(const JoinRecord&) {
  return Kind::join;
}
Kind kind_of(const RemovalRecord&) {
  return Kind::removal;
}
Kind kind_of(const RenamingRecord&) {
  return Kind::renaming;
}
Kind kind_of(const AdministratorRecord&) {
  return Kind::administrator;
}
Kind kind_of(const DeletionRecord&) {
  return Kind::deletion;
}
Kind kind_of(const UndeletionRecord&) {
  return Kind::undeletion;
}
Kind kind_of(const PinRecord&) {
  return Kind::pin;
}
Kind kind_of(const CollectionRecord&) {
  return Kind::collection;
}
Kind kind_of(const PruningRecord&) {
  return Kind::pruning;
}
Kind kind_of(const RevocationRecord&) {
  return Kind::revocation;
}

void encode_time(ByteWriter& w, const Timestamp& time) {
  w.varint(zigzag(time.seconds));
  w.varint(time.nanoseconds);
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
  w.sized(domain.group);
}

void encode_payload(ByteWriter& w, const CommitRecord& commit) {
  w.varint(commit.node);
  w.varint(commit.domain);
  w.varint(commit.sequence);
  encode_time(w, commit.received);
  w.bytes(commit.run.view());
  w.bytes(commit.snapshot.view());
}

void encode_payload(ByteWriter& w, const InvitationRecord& invitation) {
  encode_time(w, invitation.made);
  w.bytes(invitation.id.view());
  w.bytes(invitation.secret.view());
  w.sized(invitation.node);
  w.sized(invitation.group);
  encode_time(w, invitation.expires);
}

void encode_payload(ByteWriter& w, const JoinRecord& join) {
  encode_time(w, join.made);
  w.bytes(join.invitation.view());
  w.varint(join.node);
  w.bytes(join.credential.view());
  w.bytes(join.secret.view());
}

void encode_payload(ByteWriter& w, const RemovalRecord& removal) {
  encode_time(w, removal.made);
  w.varint(removal.node);
  w.sized(removal.name);
}

void encode_payload(ByteWriter& w, const RenamingRecord& renaming) {
  encode_time(w, renaming.made);
  w.varint(renaming.node);
  w.sized(renaming.name);
}

void encode_payload(ByteWriter& w, const AdministratorRecord& administrator) {
  encode_time(w, administrator.made);
  w.bytes(administrator.credential.view());
  w.bytes(administrator.secret.view());
  w.sized(administrator.name);
}

// Of deletions and undeletions.
template <typename Record>
void encode_of_snapshot(ByteWriter& w, const Record& record) {
  encode_time(w, record.made);
  w.varint(record.node);
  w.varint(record.sequence);
}

void encode_payload(ByteWriter& w, const DeletionRecord& deletion) {
  encode_of_snapshot(w, deletion);
}

void encode_payload(ByteWriter& w, const UndeletionRecord& undeletion) {
  encode_of_snapshot(w, undeletion);
}

void encode_payload(ByteWriter& w, const PinRecord& pin) {
  encode_of_snapshot(w, pin);
  w.u8(pin.pinned ? 1 : 0);
  w.u8(static_cast<std::uint8_t>(pin.by));
}

void encode_payload(ByteWriter& w, const CollectionRecord& collection) {
  encode_time(w, collection.made);
  encode_time(w, collection.judged_before);
}

void encode_payload(ByteWriter& w, const PruningRecord& pruning) {
  encode_time(w, pruning.made);
  w.varint(pruning.deleted);
}

void encode_payload(ByteWriter& w, const RevocationRecord& revocation) {
  encode_time(w, revocation.made);
  w.bytes(revocation.credential.view());
}

std::uint32_t varint32(ByteReader& r) {
  return static_cast<std::uint32_t>(r.varint_max(UINT32_MAX));
}

std::string name(ByteReader& r) {
  return std::string(as_text(r.sized(kJournalNameBytesMax)));
}

Timestamp decode_time(ByteReader& r) {
  Timestamp time;
  time.seconds = unzigzag(r.varint());
  time.nanoseconds = static_cast<std::uint32_t>(r.varint_max(kNanosecondsMax));
  return time;
}

NodeRecord decode_node(ByteReader& r) {
  NodeRecord node;
  node.node = varint32(r);
  node.domain = varint32(r);
  node.name = name(r);
  const std::uint8_t has_uid = r.u8();
  if (has_uid > 1) r.fail();
  if (has_uid == 1) node.uid = varint32(r);
  node.user = name(r);
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
  domain.group = name(r);
  return domain;
}

CommitRecord decode_commit(ByteReader& r) {
  CommitRecord commit;
  commit.node = varint32(r);
  commit.domain = varint32(r);
  commit.sequence = r.varint();
  commit.received = decode_time(r);
  commit.run = r.id<RunId>();
  commit.snapshot = r.id<ObjectId>();
  return commit;
}

InvitationRecord decode_invitation(ByteReader& r) {
  InvitationRecord invitation;
  invitation.made = decode_time(r);
  invitation.id = r.id<CredentialId>();
  invitation.secret = r.id<SecretHash>();
  invitation.node = name(r);
  invitation.group = name(r);
  invitation.expires = decode_time(r);
  return invitation;
}

JoinRecord decode_join(ByteReader& r) {
  JoinRecord join;
  join.made = decode_time(r);
  join.invitation = r.id<CredentialId>();
  join.node = varint32(r);
  join.credential = r.id<CredentialId>();
  join.secret = r.id<SecretHash>();
  return join;
}

RemovalRecord decode_removal(ByteReader& r) {
  RemovalRecord removal;
  removal.made = decode_time(r);
  removal.node = varint32(r);
  removal.name = name(r);
  return removal;
}

RenamingRecord decode_renaming(ByteReader& r) {
  RenamingRecord renaming;
  renaming.made = decode_time(r);
  renaming.node = varint32(r);
  renaming.name = name(r);
  return renaming;
}

AdministratorRecord decode_administrator(ByteReader& r) {
  AdministratorRecord administrator;
  administrator.made = decode_time(r);
  administrator.credential = r.id<CredentialId>();
  administrator.secret = r.id<SecretHash>();
  administrator.name = name(r);
  return administrator;
}

template <typename Record>
Record decode_of_snapshot(ByteReader& r) {
  Record record;
  record.made = decode_time(r);
  record.node = varint32(r);
  record.sequence = r.varint();
  return record;
}

PinRecord decode_pin(ByteReader& r) {
  PinRecord pin = decode_of_snapshot<PinRecord>(r);
  const std::uint8_t pinned = r.u8();
  const std::uint8_t by = r.u8();
  if (pinned > 1 || by > static_cast<std::uint8_t>(PinAuthority::administrator)) r.fail();
  pin.pinned = pinned == 1;
  pin.by = static_cast<PinAuthority>(by);
  return pin;
}

CollectionRecord decode_collection(ByteReader& r) {
  CollectionRecord collection;
  collection.made = decode_time(r);
  collection.judged_before = decode_time(r);
  return collection;
}

PruningRecord decode_pruning(ByteReader& r) {
  PruningRecord pruning;
  pruning.made = decode_time(r);
  pruning.deleted = r.varint();
  return pruning;
}

RevocationRecord decode_revocation(ByteReader& r) {
  RevocationRecord revocation;
  revocation.made = decode_time(r);
  revocation.credential = r.id<CredentialId>();
  return revocation;
}

// Of each kind: what has a limit of its own.
struct Limited {
  std::vector<std::string_view> names;
  std::vector<Timestamp> times;
};

Limited limited(const NodeRecord& node) {
  return {{node.name, node.user}, {}};
}
Limited limited(const DomainRecord& domain) {
  return {{domain.group}, {}};
}
Limited limited(const CommitRecord& commit) {
  return {{}, {commit.received}};
}
Limited limited(const InvitationRecord& invitation) {
  return {{invitation.node, invitation.group}, {invitation.made, invitation.expires}};
}
Limited limited(const JoinRecord& join) {
  return {{}, {join.made}};
}
Limited limited(const RemovalRecord& removal) {
  return {{removal.name}, {removal.made}};
}
Limited limited(const RenamingRecord& renaming) {
  return {{renaming.name}, {renaming.made}};
}
Limited limited(const AdministratorRecord& administrator) {
  return {{administrator.name}, {administrator.made}};
}
Limited limited(const DeletionRecord& deletion) {
  return {{}, {deletion.made}};
}
Limited limited(const UndeletionRecord& undeletion) {
  return {{}, {undeletion.made}};
}
Limited limited(const PinRecord& pin) {
  return {{}, {pin.made}};
}
Limited limited(const CollectionRecord& collection) {
  return {{}, {collection.made, collection.judged_before}};
}
Limited limited(const PruningRecord& pruning) {
  return {{}, {pruning.made}};
}
Limited limited(const RevocationRecord& revocation) {
  return {{}, {revocation.made}};
}

}  // namespace

std::uint32_t journal_kind_of(const JournalRecord& record) {
  return static_cast<std::uint32_t>(std::visit([](const auto& value) { return kind_of(value); }, record));
}

Bytes encode_journal_payload(const JournalRecord& record) {
  RB_ASSERT(check_journal_record(record).has_value());
  Bytes payload;
  ByteWriter w(payload);
  std::visit([&](const auto& value) { encode_payload(w, value); }, record);
  return payload;
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
    case Kind::invitation:
      record = decode_invitation(r);
      break;
    case Kind::join:
      record = decode_join(r);
      break;
    case Kind::removal:
      record = decode_removal(r);
      break;
    case Kind::renaming:
      record = decode_renaming(r);
      break;
    case Kind::administrator:
      record = decode_administrator(r);
      break;
    case Kind::deletion:
      record = decode_of_snapshot<DeletionRecord>(r);
      break;
    case Kind::undeletion:
      record = decode_of_snapshot<UndeletionRecord>(r);
      break;
    case Kind::pin:
      record = decode_pin(r);
      break;
    case Kind::collection:
      record = decode_collection(r);
      break;
    case Kind::pruning:
      record = decode_pruning(r);
      break;
    case Kind::revocation:
      record = decode_revocation(r);
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
  const Limited found = std::visit([](const auto& value) { return limited(value); }, record);
  const auto too_long = [](std::string_view text) { return text.size() > kJournalNameBytesMax; };
  if (std::ranges::any_of(found.names, too_long)) return fail(Errc::invalid_argument, "a name is too long");
  const auto impossible = [](const Timestamp& time) { return time.nanoseconds > kNanosecondsMax; };
  if (std::ranges::any_of(found.times, impossible)) {
    return fail(Errc::invalid_argument, "a time has more nanoseconds than a second");
  }
  return {};
}

std::optional<Timestamp> journal_time_of(const JournalRecord& record) {
  // The first time of each kind is when it happened; what else there is may lie ahead.
  const Limited found = std::visit([](const auto& value) { return limited(value); }, record);
  if (found.times.empty()) return std::nullopt;
  return found.times.front();
}

}  // namespace rb
