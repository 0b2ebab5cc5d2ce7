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
  return administrator;
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
  return {{}, {administrator.made}};
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

}  // namespace rb
