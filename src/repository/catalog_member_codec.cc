// The rows of nodes, domains and who may come in.
#include <algorithm>

#include "repository/catalog_codec.h"
#include "repository/catalog_row.h"

namespace rb {

namespace {

using catalog_row::damaged;
using catalog_row::kUsualBytes;
using catalog_row::read_flag;

constexpr std::size_t kMaxLabelBytes = 4096;

}  // namespace

Bytes encode_node_row(const CatalogNode& node) {
  Bytes out;
  out.reserve(kUsualBytes);
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
  out.reserve(kUsualBytes);
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
  out.reserve(kUsualBytes);
  ByteWriter w(out);
  w.bytes(credential.id.view());
  w.bytes(credential.secret.view());
  w.u32(credential.node);
  w.u8(credential.revoked ? 1 : 0);
  w.sized(credential.name);
  w.u64(static_cast<std::uint64_t>(credential.made.seconds));
  w.u32(credential.made.nanoseconds);
  return out;
}

Result<CatalogCredential> decode_credential_row(ByteView value) {
  ByteReader r(value);
  CatalogCredential credential;
  credential.id = r.id<CredentialId>();
  credential.secret = r.id<SecretHash>();
  credential.node = r.u32();
  credential.revoked = read_flag(r);
  credential.name = as_text(r.sized(kMaxLabelBytes));
  credential.made.seconds = static_cast<std::int64_t>(r.u64());
  credential.made.nanoseconds = r.u32();
  if (!r.done() || credential.made.nanoseconds > 999'999'999) return damaged("a credential");
  return credential;
}

Bytes encode_invitation_row(const CatalogInvitation& invitation) {
  Bytes out;
  out.reserve(kUsualBytes);
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
