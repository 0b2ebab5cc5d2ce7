#include "repository/credential_book.h"

#include <algorithm>

namespace rb {

void CredentialBook::load(const std::vector<CatalogCredential>& credentials,
                          const std::vector<CatalogInvitation>& invitations) {
  for (const CatalogCredential& credential : credentials) {
    credentials_[credential.id] = credential;
    if (credential.node != 0 && !credential.revoked) active_[credential.node] = credential.id;
  }
  for (const CatalogInvitation& invitation : invitations) {
    invitations_[invitation.record.id] = invitation;
    if (invitation.state == InvitationState::open) open_[invitation.record.node] = invitation.record.id;
  }
}

void CredentialBook::put(CatalogInvitation invitation, CatalogBatch& changed) {
  if (invitation.state == InvitationState::open) {
    open_[invitation.record.node] = invitation.record.id;
  } else if (const auto open = open_.find(invitation.record.node);
             open != open_.end() && open->second == invitation.record.id) {
    open_.erase(open);
  }
  changed.invitations.push_back(invitation);
  invitations_[invitation.record.id] = std::move(invitation);
}

void CredentialBook::withdraw(const std::string& name, CatalogBatch& changed) {
  const CatalogInvitation* open = open_invitation(name);
  if (open == nullptr) return;
  CatalogInvitation withdrawn = *open;
  withdrawn.state = InvitationState::withdrawn;
  put(std::move(withdrawn), changed);
}

void CredentialBook::revoke(std::uint32_t node, CatalogBatch& changed) {
  const auto active = active_.find(node);
  if (active == active_.end()) return;
  CatalogCredential& credential = credentials_.at(active->second);
  credential.revoked = true;
  changed.credentials.push_back(credential);
  active_.erase(active);
}

void CredentialBook::take(const InvitationRecord& record, CatalogBatch& changed) {
  withdraw(record.node, changed);
  put({.record = record}, changed);
}

void CredentialBook::take(const JoinRecord& record, CatalogBatch& changed) {
  if (const CatalogInvitation* found = invitation(record.invitation)) {
    CatalogInvitation used = *found;
    used.state = InvitationState::used;
    used.used_by = record.credential;
    put(std::move(used), changed);
  }
  revoke(record.node, changed);
  const CatalogCredential credential{
      .id = record.credential, .secret = record.secret, .node = record.node, .made = record.made};
  credentials_[credential.id] = credential;
  active_[record.node] = credential.id;
  changed.credentials.push_back(credential);
}

void CredentialBook::take(const AdministratorRecord& record, CatalogBatch& changed) {
  const CatalogCredential credential{
      .id = record.credential, .secret = record.secret, .name = record.name, .made = record.made};
  credentials_[credential.id] = credential;
  changed.credentials.push_back(credential);
}

// What it names was a token when it was written; a node's credential is left alone, as active_ would still
// name it.
void CredentialBook::take(const RevocationRecord& record, CatalogBatch& changed) {
  const auto token = credentials_.find(record.credential);
  if (token == credentials_.end() || token->second.node != 0) return;
  token->second.revoked = true;
  changed.credentials.push_back(token->second);
}

void CredentialBook::take(const RemovalRecord& record, CatalogBatch& changed) {
  withdraw(record.name, changed);
  if (record.node != 0) revoke(record.node, changed);
}

void CredentialBook::take(const RenamingRecord& record, const std::string& old_name, CatalogBatch& changed) {
  if (record.name == old_name) return;
  withdraw(record.name, changed);
  const CatalogInvitation* open = open_invitation(old_name);
  if (open == nullptr) return;
  CatalogInvitation renamed = *open;
  open_.erase(old_name);
  renamed.record.node = record.name;
  put(std::move(renamed), changed);
}

const CatalogCredential* CredentialBook::credential(const CredentialId& id) const {
  const auto found = credentials_.find(id);
  return found == credentials_.end() ? nullptr : &found->second;
}

const CatalogInvitation* CredentialBook::invitation(const CredentialId& id) const {
  const auto found = invitations_.find(id);
  return found == invitations_.end() ? nullptr : &found->second;
}

const CatalogInvitation* CredentialBook::open_invitation(const std::string& node) const {
  const auto found = open_.find(node);
  return found == open_.end() ? nullptr : invitation(found->second);
}

std::vector<const CatalogInvitation*> CredentialBook::open_invitations() const {
  std::vector<const CatalogInvitation*> found;
  for (const auto& [name, id] : open_)
    found.push_back(invitation(id));
  return found;
}

std::vector<const CatalogCredential*> CredentialBook::tokens() const {
  std::vector<const CatalogCredential*> found;
  for (const auto& [id, credential] : credentials_) {
    if (credential.node == 0) found.push_back(&credential);
  }
  std::ranges::sort(found, {}, [](const CatalogCredential* token) { return token->id; });
  return found;
}

bool CredentialBook::has_credential(std::uint32_t node) const {
  return active_.contains(node);
}

}  // namespace rb
