#include "api/node_messages.h"

#include "api/json_fields.h"

namespace rb::api {

namespace {

// An invitation of ten years is a mistake.
constexpr std::uint64_t kMaxLifetimeSeconds = 10ull * 365 * 24 * 3600;

std::string credential_text(const Credential& credential) {
  return to_hex(credential.id) + to_hex(credential.secret);
}

Credential credential_of(Fields& fields, const char* name) {
  const std::string text = fields.text(name);
  constexpr std::size_t kIdDigits = 2 * CredentialId::kSize;
  if (text.size() == kIdDigits + 2 * SecretKey::kSize) {
    const auto id = id_from_hex<CredentialId>(std::string_view(text).substr(0, kIdDigits));
    const auto secret = id_from_hex<SecretKey>(std::string_view(text).substr(kIdDigits));
    if (id && secret) return {*id, *secret};
  }
  return fields.complain(name, "80 hexadecimal digits"), Credential{};
}

json to_json(const NodeOverview& node) {
  json out = {{"node", node.node},
              {"name", node.name},
              {"group", node.group},
              {"revoked", node.revoked},
              {"invited", node.invited},
              {"cloned", node.cloned},
              {"last_backup", api::to_json(node.last_backup)},
              {"snapshot_count", node.snapshot_count},
              {"logical_bytes", node.logical_bytes},
              {"stored_bytes", node.stored_bytes},
              {"last_address", node.last_address},
              {"client_version", node.client_version}};
  if (node.uid) out["uid"] = *node.uid;
  if (node.last_seen) out["last_seen"] = api::to_json(*node.last_seen);
  return out;
}

Result<NodeOverview> node_from(const json& value) {
  Fields fields(value);
  NodeOverview node;
  node.node = static_cast<std::uint32_t>(fields.number("node", UINT32_MAX));
  node.name = fields.text("name");
  node.group = fields.text("group");
  node.revoked = fields.flag("revoked");
  node.invited = fields.flag("invited");
  node.cloned = fields.flag("cloned");
  node.snapshot_count = fields.number("snapshot_count");
  node.logical_bytes = fields.number("logical_bytes");
  node.stored_bytes = fields.number("stored_bytes");
  node.last_address = fields.text("last_address");
  node.client_version = fields.text("client_version");
  if (fields.optional_child("uid")) node.uid = static_cast<std::uint32_t>(fields.number("uid", UINT32_MAX));
  RB_TRY(fields.status());
  RB_TRY(node.last_backup, optional_snapshot(fields, "last_backup"));
  if (const json* seen = fields.optional_child("last_seen")) {
    RB_TRY(node.last_seen, timestamp_from(*seen));
  }
  return node;
}

json to_json(const TokenOverview& token) {
  json out = {{"id", to_hex(token.id)}, {"name", token.name}, {"made", api::to_json(token.made)}};
  if (token.last_used) out["last_used"] = api::to_json(*token.last_used);
  return out;
}

Result<TokenOverview> token_from(const json& value) {
  Fields fields(value);
  TokenOverview token;
  token.id = fields.id<CredentialId>("id");
  token.name = fields.text("name");
  const json& made = fields.child("made");
  RB_TRY(fields.status());
  RB_TRY(token.made, timestamp_from(made));
  if (const json* used = fields.optional_child("last_used")) {
    RB_TRY(token.last_used, timestamp_from(*used));
  }
  return token;
}

}  // namespace

std::string encode_join_request(const JoinRequest& request) {
  return dump({{"invitation", credential_text(request.invitation)},
               {"credential", credential_text(request.credential)}});
}

Result<JoinRequest> decode_join_request(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  const JoinRequest request{credential_of(fields, "invitation"), credential_of(fields, "credential")};
  RB_TRY(fields.status());
  return request;
}

std::string encode_join_answer(const JoinAnswer& answer) {
  return dump({{"node", answer.node}, {"group", answer.group}, {"has_history", answer.has_history}});
}

Result<JoinAnswer> decode_join_answer(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  const JoinAnswer answer{fields.text("node"), fields.text("group"), fields.flag("has_history")};
  RB_TRY(fields.status());
  return answer;
}

std::string encode_invitation_order(const InvitationOrder& order) {
  return dump({{"node", order.invitation.node},
               {"group", order.invitation.group},
               {"lifetime_seconds", order.invitation.lifetime.count()},
               {"address", order.address}});
}

Result<InvitationOrder> decode_invitation_order(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  InvitationOrder order;
  order.invitation.node = fields.text("node");
  order.invitation.group = fields.optional_text("group");
  if (fields.optional_child("lifetime_seconds")) {
    const std::uint64_t seconds = fields.number("lifetime_seconds", kMaxLifetimeSeconds);
    if (seconds == 0) fields.complain("lifetime_seconds", "above zero");
    order.invitation.lifetime = std::chrono::seconds(seconds);
  }
  order.address = fields.optional_text("address");
  RB_TRY(fields.status());
  return order;
}

std::string encode_invitation_answer(const InvitationAnswer& answer) {
  return dump({{"link", answer.link},
               {"node", answer.node},
               {"group", answer.group},
               {"expires", api::to_json(answer.expires)},
               {"replaces", answer.replaces}});
}

Result<InvitationAnswer> decode_invitation_answer(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  InvitationAnswer answer;
  answer.link = fields.text("link");
  answer.node = fields.text("node");
  answer.group = fields.text("group");
  answer.replaces = fields.flag("replaces");
  const json& expires = fields.child("expires");
  RB_TRY(fields.status());
  RB_TRY(answer.expires, timestamp_from(expires));
  return answer;
}

std::string encode_node(const NodeOverview& node) {
  return dump(to_json(node));
}

std::string encode_nodes(const std::vector<NodeOverview>& nodes) {
  json list = json::array();
  for (const NodeOverview& node : nodes)
    list.push_back(to_json(node));
  return dump({{"nodes", std::move(list)}});
}

Result<std::vector<NodeOverview>> decode_nodes(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  std::vector<NodeOverview> nodes;
  for (const json& item : fields.array("nodes")) {
    RB_TRY(NodeOverview node, node_from(item));
    nodes.push_back(std::move(node));
  }
  RB_TRY(fields.status());
  return nodes;
}

std::string encode_removal(const std::string& node) {
  return dump({{"node", node}});
}

Result<std::string> decode_removal(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  std::string node = fields.text("node");
  RB_TRY(fields.status());
  return node;
}

std::string encode_renaming(const Renaming& renaming) {
  return dump({{"from", renaming.from}, {"to", renaming.to}});
}

Result<Renaming> decode_renaming(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  Renaming renaming{fields.text("from"), fields.text("to")};
  RB_TRY(fields.status());
  return renaming;
}

std::string encode_token_order(const std::string& name) {
  return dump({{"name", name}});
}

Result<std::string> decode_token_order(ByteView text) {
  if (text.empty()) return std::string();
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  std::string name = fields.optional_text("name");
  RB_TRY(fields.status());
  return name;
}

std::string encode_token(const AdministratorToken& token) {
  return dump({{"token", credential_text(token.credential)}, {"name", token.name}});
}

Result<AdministratorToken> decode_token(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  AdministratorToken token{credential_of(fields, "token"), fields.text("name")};
  RB_TRY(fields.status());
  return token;
}

std::string encode_token_overview(const TokenOverview& token) {
  return dump(to_json(token));
}

Result<TokenOverview> decode_token_overview(ByteView text) {
  RB_TRY(const json value, parse(text));
  return token_from(value);
}

std::string encode_tokens(const std::vector<TokenOverview>& tokens) {
  json list = json::array();
  for (const TokenOverview& token : tokens)
    list.push_back(to_json(token));
  return dump({{"tokens", std::move(list)}});
}

Result<std::vector<TokenOverview>> decode_tokens(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  std::vector<TokenOverview> tokens;
  for (const json& item : fields.array("tokens")) {
    RB_TRY(TokenOverview token, token_from(item));
    tokens.push_back(std::move(token));
  }
  RB_TRY(fields.status());
  return tokens;
}

std::string encode_revocation(const std::string& id) {
  return dump({{"id", id}});
}

Result<std::string> decode_revocation(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  std::string id = fields.text("id");
  RB_TRY(fields.status());
  return id;
}

std::string encode_key_pin(const KeyPin& pin) {
  return dump({{"pin", to_hex(pin)}});
}

Result<KeyPin> decode_key_pin(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  const KeyPin pin = fields.id<KeyPin>("pin");
  RB_TRY(fields.status());
  return pin;
}

}  // namespace rb::api
