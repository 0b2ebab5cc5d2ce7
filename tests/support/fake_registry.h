// A NodeRegistry and a Backend in memory, for tests of what stands before them: nodes are made by inviting
// and joining, local users are nodes by their uid, and every node has a MemoryStore.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>

#include "api/backend.h"
#include "api/service.h"
#include "base/random.h"
#include "store/memory_store.h"

namespace rb::test {

class FakeRegistry final : public NodeRegistry {
 public:
  Result<Invitation> invite(const InvitationRequest& request) override {
    const std::lock_guard lock(mutex_);
    if (!valid_node_name(request.node)) return fail(Errc::invalid_argument, "no name for a node");
    Invitation made{fresh(), request.node, request.group, {1'700'000'000, 0}, find(request.node) != nullptr};
    invitations_[made.secret.id] = made;
    return made;
  }

  Result<JoinAnswer> join(const JoinRequest& request) override {
    const std::lock_guard lock(mutex_);
    const auto at = invitations_.find(request.invitation.id);
    if (at == invitations_.end() || at->second.secret != request.invitation)
      return fail(Errc::denied, "there is no such invitation");
    NodeOverview* node = find(at->second.node);
    if (node == nullptr) node = &add(at->second.node);
    node->group = at->second.group;
    node->revoked = false;
    credentials_[node->node] = request.credential;
    const Invitation used = at->second;
    invitations_.erase(at);
    return JoinAnswer{used.node, used.group, node->snapshot_count > 0};
  }

  Result<Caller> authenticate(const Credential& credential) override {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(tokens_, credential, &AdministratorToken::credential) != tokens_.end())
      return Caller{.name = "administrator", .administrator = true};
    for (const NodeOverview& node : nodes_) {
      const auto at = credentials_.find(node.node);
      if (at == credentials_.end() || at->second != credential) continue;
      if (node.revoked) return fail(Errc::denied, "the node was removed");
      return Caller{.node = node.node, .name = node.name, .credential = credential.id};
    }
    return fail(Errc::denied, "the credential is unknown");
  }

  Result<AdministratorToken> make_administrator_token(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    tokens_.push_back({fresh(), name.empty() ? "unnamed" : name});
    return tokens_.back();
  }

  Result<std::vector<TokenOverview>> administrator_tokens() override {
    const std::lock_guard lock(mutex_);
    std::vector<TokenOverview> found;
    for (const AdministratorToken& token : tokens_)
      found.push_back({token.credential.id, token.name, {1'700'000'000, 0}, {}});
    return found;
  }

  // By whole ids only.
  Result<TokenOverview> revoke_administrator_token(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    const auto is_it = [&](const AdministratorToken& token) { return to_hex(token.credential.id) == id; };
    const auto token = std::ranges::find_if(tokens_, is_it);
    if (token == tokens_.end()) return fail(Errc::not_found, "there is no such token");
    const TokenOverview gone{token->credential.id, token->name, {1'700'000'000, 0}, {}};
    tokens_.erase(token);
    return gone;
  }

  Result<std::vector<NodeOverview>> nodes() override {
    const std::lock_guard lock(mutex_);
    return nodes_;
  }

  Status remove(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    NodeOverview* node = find(name);
    if (node == nullptr) return fail(Errc::not_found, "there is no node of that name");
    node->revoked = true;
    return {};
  }

  Status rename(const std::string& from, const std::string& to) override {
    const std::lock_guard lock(mutex_);
    if (find(to) != nullptr) return fail(Errc::conflict, "the name is taken");
    NodeOverview* node = find(from);
    if (node == nullptr) return fail(Errc::not_found, "there is no node of that name");
    node->name = to;
    return {};
  }

  // What the journal and the stores would know.
  NodeOverview& at(const std::string& name) {
    const std::lock_guard lock(mutex_);
    NodeOverview* node = find(name);
    return node != nullptr ? *node : add(name);
  }

  // Invites and joins.
  Credential enrol(const std::string& name) {
    const Credential credential = fresh();
    (void)join({invite({.node = name, .group = {}})->secret, credential});
    return credential;
  }

  static Credential fresh() { return {random_id<CredentialId>(), random_id<SecretKey>()}; }

 private:
  NodeOverview* find(const std::string& name) {
    for (NodeOverview& node : nodes_) {
      if (node.name == name) return &node;
    }
    return nullptr;
  }
  NodeOverview& add(const std::string& name) {
    NodeOverview node;
    node.node = static_cast<std::uint32_t>(nodes_.size() + 1);
    node.name = name;
    return nodes_.emplace_back(std::move(node));
  }

  std::mutex mutex_;
  std::vector<NodeOverview> nodes_;
  std::map<std::uint32_t, Credential> credentials_;
  std::map<CredentialId, Invitation> invitations_;
  std::vector<AdministratorToken> tokens_;
};

class FakeBackend final : public api::Backend {
 public:
  static constexpr std::uint32_t kFirstLocalNode = 1000;

  Result<Caller> caller_of(const api::Peer& peer) override {
    if (peer.uid == 65534) return fail(Errc::denied, "the kernel can't tell which user this is");
    return Caller{.node = kFirstLocalNode + peer.uid, .name = peer.user, .administrator = peer.uid == 0};
  }
  Result<std::unique_ptr<Store>> store_for(const Caller& caller) override {
    auto store = std::make_unique<MemoryStore>(repository_, std::to_string(caller.node));
    return std::make_unique<Recording>(std::move(store), last_begin);
  }
  NodeRegistry& registry() override { return nodes; }
  RepositoryId repository() override { return id; }
  std::optional<api::KeyPin> next_key() override { return next_pin; }
  Result<api::KeyPin> make_next_key() override {
    if (!next_pin) next_pin = random_id<api::KeyPin>();
    return *next_pin;
  }
  Result<api::KeyPin> switch_key() override {
    if (!next_pin) return fail(Errc::not_found, "there is no next key");
    pin = *next_pin;
    next_pin.reset();
    return *pin;
  }
  Result<api::Reach> reach(const std::string& address) override {
    if (!pin) return fail(Errc::unsupported, "nothing listens on the network");
    return api::Reach{address.empty() ? "server.example:8420" : address, *pin};
  }
  api::BackendState state() override { return current; }
  api::TransportState transport() override { return traffic; }

  FakeRegistry nodes;
  RepositoryId id = random_id<RepositoryId>();
  std::optional<api::KeyPin> pin = api::KeyPin{}, next_pin;
  api::BackendState current;
  api::TransportState traffic;
  BeginRequest last_begin;

 private:
  class Recording final : public Store {
   public:
    Recording(std::unique_ptr<Store> inner, BeginRequest& last) : inner_(std::move(inner)), last_(last) {}
    Result<std::unique_ptr<Session>> begin(const BeginRequest& request) override {
      last_ = request;
      return inner_->begin(request);
    }

   private:
    const std::unique_ptr<Store> inner_;
    BeginRequest& last_;
  };

  std::shared_ptr<MemoryRepository> repository_ = make_memory_repository({});
};

}  // namespace rb::test
