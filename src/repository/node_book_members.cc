// Who belongs: enrolment, invitations, joining, removal.
#include <algorithm>

#include "base/log.h"
#include "base/random.h"
#include "repository/node_book.h"

namespace rb {

namespace {

constexpr std::chrono::seconds kLifetimeMax = std::chrono::hours(24 * 366);
constexpr char kAdministratorName[] = "administrator";

std::unexpected<Error> unknown_invitation() {
  return fail(Errc::denied, "there is no such invitation: is the link complete, and of this server?");
}

Status check_request(const InvitationRequest& request) {
  if (!valid_node_name(request.node)) {
    return fail(Errc::invalid_argument,
                "a node's name has 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot or a dash");
  }
  if (!request.group.empty() && !valid_node_name(request.group)) {
    return fail(Errc::invalid_argument, "a group's name has the form of a node's name");
  }
  if (request.lifetime <= std::chrono::seconds::zero() || request.lifetime > kLifetimeMax) {
    return fail(Errc::invalid_argument, "an invitation holds for a second to 366 days");
  }
  return {};
}

}  // namespace

void NodeBook::take_membership(const JournalRecord& record) {
  const auto set_node = [this](std::uint32_t number, auto&& edit) {
    const auto node = nodes_.find(number);
    if (node == nodes_.end()) return;
    edit(node->second);
    behind_.nodes.push_back(node->second);
  };
  if (const auto* invitation = std::get_if<InvitationRecord>(&record)) {
    credentials_.take(*invitation, behind_);
  } else if (const auto* join = std::get_if<JoinRecord>(&record)) {
    credentials_.take(*join, behind_);
    set_node(join->node, [](CatalogNode& node) { node.removed = false; });
  } else if (const auto* removal = std::get_if<RemovalRecord>(&record)) {
    credentials_.take(*removal, behind_);
    set_node(removal->node, [](CatalogNode& node) { node.removed = true; });
  } else if (const auto* renaming = std::get_if<RenamingRecord>(&record)) {
    const CatalogNode* node = node_numbered(renaming->node);
    if (node == nullptr) return;
    credentials_.take(*renaming, node->record.name, behind_);
    set_node(renaming->node, [&](CatalogNode& n) { n.record.name = renaming->name; });
  } else if (const auto* administrator = std::get_if<AdministratorRecord>(&record)) {
    credentials_.take(*administrator, behind_);
  } else if (const auto* revocation = std::get_if<RevocationRecord>(&record)) {
    credentials_.take(*revocation, behind_);
  }
}

Result<CatalogNode> NodeBook::node_of(std::uint32_t uid, const std::string& user, const std::string& label) {
  const auto find = [&]() -> const CatalogNode* {
    for (const auto& [number, node] : nodes_) {
      if (node.record.uid == uid && node.record.user == user) return &node;
    }
    return nullptr;
  };
  {
    const std::shared_lock lock(state_mutex_);
    if (const CatalogNode* node = find()) return *node;
  }
  const std::lock_guard lock(changes_);
  if (const CatalogNode* node = find()) return *node;
  NodeRecord node;
  node.name = free_name(label, uid);
  node.uid = uid;
  node.user = user;
  RB_TRY(node, enrol(std::move(node), ""));
  log(LogLevel::info, "enrolled the node \"{}\" for uid {}", node.name, uid);
  return CatalogNode{std::move(node)};
}

// A domain that a crash left without its node is never used: domains are cheap.
Result<NodeRecord> NodeBook::enrol(NodeRecord node, const std::string& group) {
  RB_TRY(node.domain, domain_for(group));
  node.node = nodes_.empty() ? 1 : nodes_.rbegin()->first + 1;
  RB_TRY(change(node));
  return node;
}

Result<std::uint32_t> NodeBook::domain_for(const std::string& group) {
  const auto same = [&](const auto& domain) { return domain.second.group == group; };
  if (!group.empty()) {
    if (const auto found = std::find_if(domains_.begin(), domains_.end(), same); found != domains_.end()) {
      return found->first;
    }
  }
  DomainRecord domain;
  domain.domain = domains_.empty() ? 1 : domains_.rbegin()->first + 1;
  domain.group = group;
  fill_random(domain.chunk_params.key);
  RB_TRY(change(domain));
  return domain.domain;
}

// A name is a label, but people and addresses use it: no two nodes have the same, nor is one given away that
// somebody was invited under.
std::string NodeBook::free_name(const std::string& label, std::uint32_t uid) const {
  const auto taken = [this](const std::string& name) {
    const CatalogInvitation* open = credentials_.open_invitation(name);
    return node_named(name) != nullptr || (open != nullptr && !has_expired(open->record));
  };
  std::string name = label;
  if (taken(name)) name = fmt::format("{}-{}", label, uid);
  for (int i = 2; taken(name); ++i)
    name = fmt::format("{}-{}-{}", label, uid, i);
  return name;
}

bool NodeBook::has_expired(const InvitationRecord& invitation) const {
  return clock_.wall() >= invitation.expires;
}

Result<NodeRecord> NodeBook::admit(const Caller& caller) const {
  if (caller.node == 0) {
    return fail(Errc::denied, "an administrator's token is no node and has no files");
  }
  const std::shared_lock lock(state_mutex_);
  const CatalogNode* node = node_numbered(caller.node);
  if (node == nullptr) return fail(Errc::denied, "there is no such node on this server");
  if (node->removed) {
    return fail(Errc::denied, fmt::format("the node \"{}\" was removed from this server: its administrator "
                                          "can invite it again",
                                          node->record.name));
  }
  if (caller.credential.is_zero()) return node->record;
  const CatalogCredential* credential = credentials_.credential(caller.credential);
  if (credential == nullptr || credential->revoked || credential->node != caller.node) {
    return fail(Errc::denied, fmt::format("another machine has joined as the node \"{}\"; the credential of "
                                          "this one holds no more",
                                          node->record.name));
  }
  return node->record;
}

Result<Invitation> NodeBook::invite(const InvitationRequest& request) {
  RB_TRY(check_request(request));
  const std::lock_guard lock(changes_);
  const CatalogNode* node = node_named(request.node);
  std::string group = request.group;
  if (node != nullptr) {
    if (node->record.uid && !node->removed) {
      return fail(Errc::invalid_argument,
                  fmt::format("\"{}\" is the node of a user on the server's own machine, who needs no "
                              "invitation: the socket knows them",
                              request.node));
    }
    const std::string& present = domains_.at(node->record.domain).group;
    if (!group.empty() && group != present) {
      return fail(
          Errc::invalid_argument,
          fmt::format("the node \"{}\" is in {} and can't change to the group \"{}\": its history would "
                      "stay behind; invite it under another name",
                      request.node, present.empty() ? "no group" : "the group \"" + present + "\"", group));
    }
    group = present;
  }
  Invitation invitation{.secret = {random_id<CredentialId>(), random_id<SecretKey>()},
                        .node = request.node,
                        .group = group,
                        .replaces = node != nullptr};
  const Timestamp now = clock_.wall();
  invitation.expires = {now.seconds + request.lifetime.count(), now.nanoseconds};
  RB_TRY(change(InvitationRecord{.made = now,
                                 .id = invitation.secret.id,
                                 .secret = hash_secret(invitation.secret.id, invitation.secret.secret),
                                 .node = request.node,
                                 .group = group,
                                 .expires = invitation.expires}));
  return invitation;
}

JoinAnswer NodeBook::answer_for(const NodeRecord& node) const {
  return {
      .node = node.name, .group = domains_.at(node.domain).group, .has_history = heads_.contains(node.node)};
}

Result<NodeBook::Joined> NodeBook::join(const JoinRequest& request) {
  const std::lock_guard lock(changes_);
  const CatalogInvitation* found = credentials_.invitation(request.invitation.id);
  if (found == nullptr) return unknown_invitation();
  const SecretHash given = hash_secret(request.invitation.id, request.invitation.secret);
  if (!equal_in_constant_time(given, found->record.secret)) return unknown_invitation();
  // Who comes this far knows the secret, and is told what became of it.
  const CatalogInvitation invitation = *found;
  if (invitation.state == InvitationState::used) return join_again(invitation, request.credential);
  if (invitation.state == InvitationState::withdrawn) {
    return fail(Errc::denied, "this invitation was withdrawn, or a later one took its place");
  }
  if (has_expired(invitation.record))
    return fail(Errc::denied, "this invitation has expired: ask for a new one");
  const Credential& credential = request.credential;
  if (credential.secret.is_zero() || credential.id.is_zero() ||
      credentials_.credential(credential.id) != nullptr) {
    return fail(Errc::invalid_argument, "the credential is empty or in use: draw another one at random");
  }
  RB_TRY(const NodeRecord node, node_to_join(invitation));
  RB_TRY(change(JoinRecord{.made = clock_.wall(),
                           .invitation = invitation.record.id,
                           .node = node.node,
                           .credential = credential.id,
                           .secret = hash_secret(credential.id, credential.secret)}));
  log(LogLevel::info, "the node \"{}\" has joined", node.name);
  return Joined{answer_for(node), node.node, true};
}

// The node of the invitation's name, enrolled if there is none.
Result<NodeRecord> NodeBook::node_to_join(const CatalogInvitation& invitation) {
  const CatalogNode* node = node_named(invitation.record.node);
  if (node == nullptr) return enrol({.name = invitation.record.node}, invitation.record.group);
  // Its name was given away after the invitation had expired, and then the clock went back.
  if (node->record.uid && !node->removed) {
    return fail(Errc::denied,
                "this invitation was withdrawn: a user of the server's machine has the name now");
  }
  return node->record;
}

// The answer to the first request was lost, or somebody else was given the link as well.
Result<NodeBook::Joined> NodeBook::join_again(const CatalogInvitation& invitation,
                                              const Credential& credential) const {
  const CatalogCredential* made = credentials_.credential(invitation.used_by);
  if (made == nullptr || invitation.used_by != credential.id ||
      !equal_in_constant_time(hash_secret(credential.id, credential.secret), made->secret)) {
    return fail(Errc::denied, "this invitation was used already: ask for a new one");
  }
  const CatalogNode* node = node_numbered(made->node);
  if (made->revoked || node == nullptr) {
    return fail(Errc::denied,
                "this invitation was used already, and what it gave was revoked since: ask for a new one");
  }
  return Joined{answer_for(node->record), made->node, false};
}

Result<Caller> NodeBook::authenticate(const Credential& credential) const {
  const SecretHash given = hash_secret(credential.id, credential.secret);
  const std::shared_lock lock(state_mutex_);
  const CatalogCredential* found = credentials_.credential(credential.id);
  const bool matches = found != nullptr && equal_in_constant_time(given, found->secret);
  // A revoked token is as one that never was: whoever holds it still need not learn more.
  if (!matches || (found->node == 0 && found->revoked)) {
    return fail(Errc::denied, "this server does not know the credential: join it with an invitation");
  }
  if (found->node == 0)
    return Caller{.name = kAdministratorName, .administrator = true, .credential = found->id};
  const CatalogNode* node = node_numbered(found->node);
  if (node == nullptr) return fail(Errc::denied, "there is no such node on this server");
  if (node->removed) {
    return fail(Errc::denied, fmt::format("the node \"{}\" was removed from this server: its administrator "
                                          "can invite it again",
                                          node->record.name));
  }
  if (found->revoked) {
    return fail(Errc::denied, fmt::format("another machine has joined as the node \"{}\"; the credential of "
                                          "this one holds no more",
                                          node->record.name));
  }
  return Caller{.node = found->node, .name = node->record.name, .credential = found->id};
}

Result<std::uint32_t> NodeBook::remove(const std::string& name) {
  const std::lock_guard lock(changes_);
  const CatalogNode* node = node_named(name);
  const bool invited = credentials_.open_invitation(name) != nullptr;
  if (node == nullptr && !invited) return fail(Errc::not_found, fmt::format("there is no node \"{}\"", name));
  const std::uint32_t number = node == nullptr ? 0 : node->record.node;
  if (node != nullptr && node->removed && !invited) return number;
  RB_TRY(change(RemovalRecord{.made = clock_.wall(), .node = number, .name = name}));
  return number;
}

Status NodeBook::rename(const std::string& from, const std::string& to) {
  if (!valid_node_name(to)) {
    return fail(Errc::invalid_argument,
                "a node's name has 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot or a dash");
  }
  const std::lock_guard lock(changes_);
  const CatalogNode* node = node_named(from);
  if (node == nullptr) return fail(Errc::not_found, fmt::format("there is no node \"{}\"", from));
  if (from == to) return {};
  if (node_named(to) != nullptr)
    return fail(Errc::conflict, fmt::format("there is a node \"{}\" already", to));
  const CatalogInvitation* open = credentials_.open_invitation(to);
  if (open != nullptr && !has_expired(open->record)) {
    return fail(Errc::conflict,
                fmt::format("somebody is invited as \"{}\": remove that invitation first", to));
  }
  RB_TRY(change(RenamingRecord{.made = clock_.wall(), .node = node->record.node, .name = to}));
  return {};
}

std::vector<NodeBook::Member> NodeBook::members() const {
  const std::shared_lock lock(state_mutex_);
  std::vector<Member> members;
  const auto is_invited = [this](const CatalogInvitation* open) {
    return open != nullptr && !has_expired(open->record);
  };
  for (const auto& [number, node] : nodes_) {
    Member member{.record = node.record, .removed = node.removed};
    if (const auto domain = domains_.find(node.record.domain); domain != domains_.end()) {
      member.group = domain->second.group;
    }
    member.invited = is_invited(credentials_.open_invitation(node.record.name));
    if (const auto head = heads_.find(number); head != heads_.end()) member.head = head->second;
    members.push_back(std::move(member));
  }
  for (const CatalogInvitation* open : credentials_.open_invitations()) {
    if (!is_invited(open) || node_named(open->record.node) != nullptr) continue;
    members.push_back({.record = {.name = open->record.node}, .group = open->record.group, .invited = true});
  }
  std::sort(members.begin(), members.end(),
            [](const Member& a, const Member& b) { return a.record.name < b.record.name; });
  return members;
}

}  // namespace rb
