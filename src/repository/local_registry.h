// The NodeRegistry of a repository: the book's decisions, with what they mean for open sessions, and what is
// known of each node put together. Thread-safe.
#pragma once

#include "repository/repository_core.h"
#include "repository/token_uses.h"

namespace rb {

class LocalRegistry final : public NodeRegistry {
 public:
  explicit LocalRegistry(std::shared_ptr<RepositoryCore> core) : core_(std::move(core)) {}

  Result<Invitation> invite(const InvitationRequest& request) override;
  Result<JoinAnswer> join(const JoinRequest& request) override;
  Result<Caller> authenticate(const Credential& credential) override;
  Result<AdministratorToken> make_administrator_token(const std::string& name) override;
  Result<std::vector<TokenOverview>> administrator_tokens() override;
  Result<TokenOverview> revoke_administrator_token(const std::string& id) override;
  Result<std::vector<NodeOverview>> nodes() override;
  Status remove(const std::string& name) override;
  Status rename(const std::string& from, const std::string& to) override;

 private:
  NodeOverview overview_of(NodeBook::Member member) const;

  const std::shared_ptr<RepositoryCore> core_;
  TokenUses token_uses_;
};

}  // namespace rb
