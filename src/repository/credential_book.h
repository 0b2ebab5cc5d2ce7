// Credentials and invitations as the journal's records leave them: a plain state machine without a disk. What
// changes is also put into a batch for the catalog. Not thread-safe: NodeBook guards it.
#pragma once

#include <unordered_map>

#include "repository/catalog.h"

namespace rb {

class CredentialBook {
 public:
  void load(const std::vector<CatalogCredential>& credentials,
            const std::vector<CatalogInvitation>& invitations);

  // One record each, in the journal's order.
  void take(const InvitationRecord& record, CatalogBatch& changed);
  void take(const JoinRecord& record, CatalogBatch& changed);
  void take(const AdministratorRecord& record, CatalogBatch& changed);
  void take(const RevocationRecord& record, CatalogBatch& changed);
  // `name` is the node's, or that of invitations alone.
  void take(const RemovalRecord& record, CatalogBatch& changed);
  // `old_name`: what the node was called before.
  void take(const RenamingRecord& record, const std::string& old_name, CatalogBatch& changed);

  const CatalogCredential* credential(const CredentialId& id) const;
  const CatalogInvitation* invitation(const CredentialId& id) const;
  // The one that is neither used nor withdrawn, though it may have expired.
  const CatalogInvitation* open_invitation(const std::string& node) const;
  // Of all names, in no order.
  std::vector<const CatalogInvitation*> open_invitations() const;
  bool has_credential(std::uint32_t node) const;
  // Administrators', the revoked ones too; in the order of their ids, so that it is always the same.
  std::vector<const CatalogCredential*> tokens() const;

 private:
  void withdraw(const std::string& name, CatalogBatch& changed);
  void revoke(std::uint32_t node, CatalogBatch& changed);
  void put(CatalogInvitation invitation, CatalogBatch& changed);

  // Ids are drawn by clients, but only in a request that redeems an invitation: no hash needs to defend
  // itself against so few of them.
  std::unordered_map<CredentialId, CatalogCredential> credentials_;
  std::unordered_map<CredentialId, CatalogInvitation> invitations_;
  std::map<std::string, CredentialId> open_;      // invitations, by name of the node
  std::map<std::uint32_t, CredentialId> active_;  // credentials, by node; administrators' tokens are not here
};

}  // namespace rb
