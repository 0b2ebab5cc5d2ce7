#include "api/local_only_backend.h"

namespace rb::api {

namespace {

std::unexpected<Error> no_nodes() {
  return fail(Errc::unsupported, "this server serves the users of its machine only");
}

class NoRegistry final : public NodeRegistry {
 public:
  Result<Invitation> invite(const InvitationRequest&) override { return no_nodes(); }
  Result<JoinAnswer> join(const JoinRequest&) override { return no_nodes(); }
  Result<Caller> authenticate(const Credential&) override { return fail(Errc::denied, "there are no nodes"); }
  Result<AdministratorToken> make_administrator_token(const std::string&) override { return no_nodes(); }
  Result<std::vector<TokenOverview>> administrator_tokens() override { return std::vector<TokenOverview>(); }
  Result<TokenOverview> revoke_administrator_token(const std::string&) override { return no_nodes(); }
  Result<std::vector<NodeOverview>> nodes() override { return std::vector<NodeOverview>(); }
  Status remove(const std::string&) override { return no_nodes(); }
  Status rename(const std::string&, const std::string&) override { return no_nodes(); }
};

class LocalOnlyBackend final : public Backend {
 public:
  explicit LocalOnlyBackend(StoreFactory store_for) : store_for_(std::move(store_for)) {}

  // Node 0 is nobody's, so a uid is the node after it.
  Result<Caller> caller_of(const Peer& peer) override {
    return Caller{.node = peer.uid + 1, .name = peer.user, .administrator = peer.uid == 0};
  }
  Result<std::unique_ptr<Store>> store_for(const Caller& caller) override {
    return store_for_(Peer{.uid = caller.node - 1, .user = caller.name});
  }
  NodeRegistry& registry() override { return registry_; }
  RepositoryId repository() override { return {}; }
  std::optional<KeyPin> next_key() override { return std::nullopt; }
  Result<KeyPin> make_next_key() override { return no_nodes(); }
  Result<KeyPin> switch_key() override { return no_nodes(); }
  Result<Reach> reach(const std::string&) override { return no_nodes(); }
  BackendState state() override { return {}; }
  TransportState transport() override { return {}; }

 private:
  const StoreFactory store_for_;
  NoRegistry registry_;
};

}  // namespace

std::unique_ptr<Backend> make_local_only_backend(StoreFactory store_for) {
  return std::make_unique<LocalOnlyBackend>(std::move(store_for));
}

}  // namespace rb::api
