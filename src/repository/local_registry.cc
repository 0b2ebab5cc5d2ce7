#include "repository/local_registry.h"

#include "base/log.h"

namespace rb {

Result<Invitation> LocalRegistry::invite(const InvitationRequest& request) {
  return core_->book().invite(request);
}

// The credential that this one replaces is revoked in the journal before its sessions are fenced: what begins
// in between is refused.
Result<JoinAnswer> LocalRegistry::join(const JoinRequest& request) {
  RB_TRY(NodeBook::Joined joined, core_->book().join(request));
  if (joined.first_time) {
    core_->fence_node(joined.node);
    core_->sightings().forget(joined.node);
  }
  return std::move(joined.answer);
}

Result<Caller> LocalRegistry::authenticate(const Credential& credential) {
  RB_TRY(Caller caller, core_->book().authenticate(credential));
  if (caller.node == 0) token_uses_.note(caller.credential, core_->clock().wall());
  return caller;
}

Result<AdministratorToken> LocalRegistry::make_administrator_token(const std::string& name) {
  return core_->book().make_administrator_token(name);
}

Result<std::vector<TokenOverview>> LocalRegistry::administrator_tokens() {
  std::vector<TokenOverview> tokens = core_->book().administrator_tokens();
  for (TokenOverview& token : tokens)
    token.last_used = token_uses_.last(token.id);
  return tokens;
}

// Who is let in is asked of the book for every request, and a token has no sessions: nothing is left to end.
Result<TokenOverview> LocalRegistry::revoke_administrator_token(const std::string& id) {
  RB_TRY(TokenOverview token, core_->book().revoke_administrator_token(id));
  token.last_used = token_uses_.last(token.id);
  return token;
}

Status LocalRegistry::remove(const std::string& name) {
  RB_TRY(const std::uint32_t node, core_->book().remove(name));
  if (node != 0) core_->fence_node(node);
  return {};
}

Status LocalRegistry::rename(const std::string& from, const std::string& to) {
  return core_->book().rename(from, to);
}

Result<std::vector<NodeOverview>> LocalRegistry::nodes() {
  std::vector<NodeOverview> overviews;
  for (NodeBook::Member& member : core_->book().members())
    overviews.push_back(overview_of(std::move(member)));
  return overviews;
}

NodeOverview LocalRegistry::overview_of(NodeBook::Member member) const {
  const NodeRecord& node = member.record;
  NodeOverview overview;
  overview.node = node.node;
  overview.name = node.name;
  overview.group = std::move(member.group);
  overview.uid = node.uid;
  overview.revoked = member.removed;
  overview.invited = member.invited;
  overview.last_backup = member.head;
  if (node.node == 0) return overview;
  overview.snapshot_count = core_->book().snapshot_count(node.node);
  overview.stored_bytes = core_->index().stored_bytes(node.node);
  if (member.head) {
    // A damaged snapshot must not hide all nodes.
    const auto bytes = core_->snapshots().logical_bytes(node.node, node.domain, member.head->object);
    if (bytes) overview.logical_bytes = *bytes;
    if (!bytes) log(LogLevel::warning, "node \"{}\": {}", node.name, bytes.error().message);
  }
  if (const auto seen = core_->sightings().last(node.node, core_->clock().monotonic())) {
    overview.last_address = seen->address;
    overview.client_version = seen->client_version;
    overview.last_seen = seen->seen;
    overview.cloned = seen->cloned;
  }
  return overview;
}

}  // namespace rb
