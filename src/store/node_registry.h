// Who may call, and as whom: nodes, their credentials and the invitations that make them. The repository
// keeps this in its journal; the protocol reaches it through here. Thread-safe; changes are on stable storage
// when they return.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "format/credential.h"
#include "store/store.h"

namespace rb {

// What a node proves itself with, and, in a link, what an invitation is redeemed with.
struct Credential {
  CredentialId id;
  SecretKey secret;
  bool operator==(const Credential&) const = default;
};

// Who a request comes from, once that is settled.
struct Caller {
  std::uint32_t node = 0;  // 0: an administrator's token, which is no node and has no files
  std::string name;        // of the node, a label
  bool administrator = false;
  CredentialId credential;  // that it came with; zero: none, the kernel said who it is
};

struct InvitationRequest {
  std::string node;   // of valid_node_name(); one that exists gets its history, and its old credential goes
  std::string group;  // nodes of one group share a domain; empty: a domain of its own. As node names.
  std::chrono::seconds lifetime{3600};
};

struct Invitation {
  Credential secret;  // redeemable once
  std::string node;
  std::string group;
  Timestamp expires;
  bool replaces = false;  // the node exists: joining revokes its present credential
};

struct JoinRequest {
  Credential invitation;
  // Drawn by the node, and stored by it before it asks: repeating a request whose answer was lost gives the
  // first result.
  Credential credential;
};

struct JoinAnswer {
  std::string node;
  std::string group;
  bool has_history = false;  // the node had snapshots already
};

struct NodeOverview {
  std::uint32_t node = 0;
  std::string name;
  std::string group;                 // empty: none
  std::optional<std::uint32_t> uid;  // of a user on the server's machine
  bool revoked = false;
  bool invited = false;  // an invitation for it is open
  std::optional<SnapshotInfo> last_backup;
  std::uint64_t snapshot_count = 0;
  std::uint64_t logical_bytes = 0;  // as its last snapshot says
  std::uint64_t stored_bytes = 0;   // of the blocks it sent, as stored
  std::string last_address;         // since the server started; empty: not seen
  std::string client_version;
  std::optional<Timestamp> last_seen;
  bool cloned = false;  // its credential is used by two machines in turn
};

// What makes whoever shows it an administrator. The credential is known at this moment only.
struct AdministratorToken {
  Credential credential;
  std::string name;  // a label
  bool operator==(const AdministratorToken&) const = default;
};

// A token as it can be spoken of: nothing here is secret. People name it by its id, or the beginning of that.
struct TokenOverview {
  CredentialId id;
  std::string name;
  Timestamp made;
  std::optional<Timestamp> last_used;  // since the server started
  bool operator==(const TokenOverview&) const = default;
};

class NodeRegistry {
 public:
  virtual ~NodeRegistry() = default;

  // A later invitation for a node withdraws the earlier one. Errc::invalid_argument: a name that is none, a
  // node of a user on this machine (who needs none, unless the node was removed), or another group than the
  // node is in; an empty group means the one it is in.
  virtual Result<Invitation> invite(const InvitationRequest& request) = 0;
  // Errc::denied, each with its own words: no such invitation, expired, used already.
  virtual Result<JoinAnswer> join(const JoinRequest& request) = 0;
  // Errc::denied: unknown, or revoked (said so only to who knows the secret).
  virtual Result<Caller> authenticate(const Credential& credential) = 0;
  // A token for /metrics, /healthz and administration over the network. An empty name: one is made up. Others
  // have the form of a node's (Errc::invalid_argument), and need not differ.
  virtual Result<AdministratorToken> make_administrator_token(const std::string& name) = 0;
  // Those that hold, oldest first.
  virtual Result<std::vector<TokenOverview>> administrator_tokens() = 0;
  // By the id in hexadecimal digits, or the beginning of one alone: it lets nobody in from here on. Gives
  // which it was. Errc::not_found: there is none; Errc::conflict: it was revoked before;
  // Errc::invalid_argument: no id, or the beginning of several.
  virtual Result<TokenOverview> revoke_administrator_token(const std::string& id) = 0;

  // By name; node 0: there is an invitation only.
  virtual Result<std::vector<NodeOverview>> nodes() = 0;
  // Revokes its credentials and open invitations, and fences its sessions. Its copies stay.
  virtual Status remove(const std::string& name) = 0;
  // Errc::conflict: the new name is taken.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
};

// 1 to 64 of A-Z a-z 0-9 . _ - and not beginning with a dot or dash. Names of local users may be others.
bool valid_node_name(std::string_view name);

}  // namespace rb
