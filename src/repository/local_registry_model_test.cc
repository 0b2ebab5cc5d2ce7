// Random sequences of everything that changes who belongs, with restarts and lost catalogs in between,
// against a plain model.
#include <rapidcheck.h>

#include "support/registry_fixture.h"

namespace rb::test {

namespace {

struct ModelNode {
  std::string group;
  bool removed = false;
  std::optional<Credential> credential;
  std::optional<SnapshotInfo> head;
};
struct ModelInvitation {
  Credential secret;
  std::string node, group;
  Timestamp expires;
  enum class State { open, used, withdrawn } state = State::open;
  Credential used_by;
};
using State = ModelInvitation::State;

class Model : public RegistryFixture {
 public:
  void TestBody() override {}

  void run_random_steps() {
    const int steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i)
      step();
    check();
  }

 private:
  static std::string any_name() { return *rc::gen::element<std::string>("a", "b", "c"); }
  static std::string any_group() { return *rc::gen::element<std::string>("", "", "g", "h"); }

  void step() {
    switch (*rc::gen::inRange(0, 14)) {
      case 0:
      case 1:
        return invite_one();
      case 2:
      case 3:
        return join_one();
      case 4:
        return remove_one();
      case 5:
        return rename_one();
      case 6:
        return back_up();
      case 7:
        clock_.now += std::chrono::minutes(*rc::gen::inRange(0, 40));
        return;
      case 8:
        return open();
      case 9:
        return open_without_catalog();
      case 10:
        return open_with_older_catalog(*rc::gen::inRange<std::size_t>(0, catalog_->batches.size() + 1));
      case 11:
        return make_token();
      case 12:
        return revoke_token();
      default:
        return check();
    }
  }

  void make_token() {
    const auto made = registry().make_administrator_token(any_name());
    RC_ASSERT(made.has_value());
    tokens_.push_back(*made);
  }

  void revoke_token() {
    if (tokens_.empty()) return;
    const auto token = tokens_.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(tokens_));
    const std::string id = to_hex(token->credential.id);
    RC_ASSERT(registry().revoke_administrator_token(id)->name == token->name);
    RC_ASSERT(registry().revoke_administrator_token(id).error().code == Errc::conflict);
    dead_.push_back(token->credential);
    tokens_.erase(token);
  }

  ModelInvitation* open_invitation(const std::string& name) {
    for (ModelInvitation& invitation : invitations_) {
      if (invitation.state == State::open && invitation.node == name) return &invitation;
    }
    return nullptr;
  }
  bool expired(const ModelInvitation& invitation) const { return clock_.wall() >= invitation.expires; }

  void invite_one() {
    const std::string name = any_name(), group = any_group();
    const auto node = nodes_.find(name);
    const bool fits = node == nodes_.end() || group.empty() || node->second.group == group;
    const auto invitation = registry().invite({.node = name, .group = group});
    RC_ASSERT(invitation.has_value() == fits);
    if (!invitation) return;
    RC_ASSERT(invitation->replaces == (node != nodes_.end()));
    if (ModelInvitation* earlier = open_invitation(name)) earlier->state = State::withdrawn;
    invitations_.push_back({.secret = invitation->secret,
                            .node = name,
                            .group = node == nodes_.end() ? group : node->second.group,
                            .expires = invitation->expires});
  }

  void join_one() {
    if (invitations_.empty()) return;
    ModelInvitation& invitation = invitations_[*rc::gen::inRange<std::size_t>(0, invitations_.size())];
    const bool repeat = invitation.state == State::used && *rc::gen::arbitrary<bool>();
    const Credential credential = repeat ? invitation.used_by : random_credential();
    const auto joined = registry().join({invitation.secret, credential});
    if (repeat) {
      const bool holds = holds_now(credential);
      RC_ASSERT(joined.has_value() == holds);
      return;
    }
    const bool expected = invitation.state == State::open && !expired(invitation);
    RC_ASSERT(joined.has_value() == expected);
    if (!joined) return;
    ModelNode& node = nodes_.try_emplace(invitation.node, ModelNode{.group = invitation.group}).first->second;
    RC_ASSERT(joined->node == invitation.node && joined->group == node.group);
    RC_ASSERT(joined->has_history == node.head.has_value());
    if (node.credential) dead_.push_back(*node.credential);
    node.credential = credential;
    node.removed = false;
    invitation.state = State::used;
    invitation.used_by = credential;
  }

  bool holds_now(const Credential& credential) const {
    for (const auto& [name, node] : nodes_) {
      if (node.credential == credential) return true;
    }
    return false;
  }

  void remove_one() {
    const std::string name = any_name();
    const auto node = nodes_.find(name);
    ModelInvitation* open = open_invitation(name);
    const Status removed = registry().remove(name);
    RC_ASSERT(removed.has_value() == (node != nodes_.end() || open != nullptr));
    if (open != nullptr) open->state = State::withdrawn;
    if (node == nodes_.end()) return;
    if (node->second.credential) dead_.push_back(*node->second.credential);
    node->second.credential.reset();
    node->second.removed = true;
  }

  void rename_one() {
    const std::string from = any_name(), to = any_name();
    const auto node = nodes_.find(from);
    ModelInvitation* in_the_way = open_invitation(to);
    const bool free = !nodes_.contains(to) && (in_the_way == nullptr || expired(*in_the_way));
    const Status renamed = registry().rename(from, to);
    RC_ASSERT(renamed.has_value() == (node != nodes_.end() && (from == to || free)));
    if (!renamed || from == to) return;
    if (in_the_way != nullptr) in_the_way->state = State::withdrawn;
    if (ModelInvitation* own = open_invitation(from)) own->node = to;
    auto moved = nodes_.extract(node);
    moved.key() = to;
    nodes_.insert(std::move(moved));
  }

  void back_up() {
    const auto node = nodes_.find(any_name());
    if (node == nodes_.end() || !node->second.credential) return;
    const auto session = begin(*node->second.credential, ++last_run_);
    RC_ASSERT(session->info().head == node->second.head);
    node->second.head = commit(*session, "run " + std::to_string(last_run_));
  }

  void check() {
    for (const Credential& credential : dead_)
      RC_ASSERT(registry().authenticate(credential).error().code == Errc::denied);
    for (const auto& [name, node] : nodes_) {
      const auto seen = overview(name);
      RC_ASSERT(seen.has_value());
      RC_ASSERT(seen->group == node.group && seen->revoked == node.removed);
      RC_ASSERT(seen->last_backup == node.head);
      if (!node.credential) continue;
      const auto caller = registry().authenticate(*node.credential);
      RC_ASSERT(caller && caller->name == name && caller->node == seen->node);
    }
    std::size_t invited = 0;
    for (const ModelInvitation& invitation : invitations_) {
      if (invitation.state != State::open || expired(invitation)) continue;
      const auto seen = overview(invitation.node);
      RC_ASSERT(seen && seen->invited);
      if (!nodes_.contains(invitation.node)) ++invited;
    }
    RC_ASSERT(registry().nodes()->size() == nodes_.size() + invited);
    for (const AdministratorToken& token : tokens_)
      RC_ASSERT(registry().authenticate(token.credential)->administrator);
    RC_ASSERT(registry().administrator_tokens()->size() == tokens_.size());
  }

  std::map<std::string, ModelNode> nodes_;
  std::vector<ModelInvitation> invitations_;
  std::vector<Credential> dead_;
  std::vector<AdministratorToken> tokens_;
  std::uint8_t last_run_ = 0;
};

TEST(LocalRegistryModelTest, AnySequenceIsWhatTheModelSays) {
  EXPECT_TRUE(rc::check([] { Model().run_random_steps(); }));
}

}  // namespace

}  // namespace rb::test
