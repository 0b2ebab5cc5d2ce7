// What a record of the journal can say, as values. docs/format.md, "Journal", has every byte.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "format/chunk_params.h"
#include "format/credential.h"
#include "format/object.h"

namespace rb {

struct NodeRecord {        // a node was enrolled
  std::uint32_t node = 0;  // its number
  std::uint32_t domain = 0;
  std::string name;
  std::optional<std::uint32_t> uid;  // bound to this user on the server's machine, or
  std::string user;                  // ... nothing, for a node that comes with a credential
  bool operator==(const NodeRecord&) const = default;
};

struct DomainRecord {  // a domain was made
  std::uint32_t domain = 0;
  ChunkParams chunk_params;
  std::string group;  // of the nodes that share it; empty: of one node
  bool operator==(const DomainRecord&) const = default;
};

struct CommitRecord {
  std::uint32_t node = 0;
  std::uint32_t domain = 0;
  std::uint64_t sequence = 0;  // position in the node's history
  Timestamp received;
  RunId run;
  ObjectId snapshot;
  bool operator==(const CommitRecord&) const = default;
};

// Whoever knows the secret may become the node of this name, once. Withdraws earlier invitations of the name.
struct InvitationRecord {
  Timestamp made;
  CredentialId id;
  SecretHash secret;
  std::string node;
  std::string group;  // of a node that there is not yet; empty: a domain of its own
  Timestamp expires;
  bool operator==(const InvitationRecord&) const = default;
};

// An invitation was used. The credential is the node's only one from here on, and the node is no removed one.
struct JoinRecord {
  Timestamp made;
  CredentialId invitation;
  std::uint32_t node = 0;
  CredentialId credential;
  SecretHash secret;
  bool operator==(const JoinRecord&) const = default;
};

// The credentials and the uid of a node let nobody in any more, and its open invitations are withdrawn.
struct RemovalRecord {
  Timestamp made;
  std::uint32_t node = 0;  // 0: there was no node of this name, only invitations
  std::string name;
  bool operator==(const RemovalRecord&) const = default;
};

// A node has another name. Its open invitations go with it, what was left of others for that name is
// withdrawn.
struct RenamingRecord {
  Timestamp made;
  std::uint32_t node = 0;
  std::string name;
  bool operator==(const RenamingRecord&) const = default;
};

// A token that makes its holder an administrator.
struct AdministratorRecord {
  Timestamp made;
  CredentialId credential;
  SecretHash secret;
  std::string name;  // for people; several may have the same
  bool operator==(const AdministratorRecord&) const = default;
};

// A snapshot is in nobody's history any more. It can come back until a collection has judged it.
struct DeletionRecord {
  Timestamp made;
  std::uint32_t node = 0;
  std::uint64_t sequence = 0;
  bool operator==(const DeletionRecord&) const = default;
};

struct UndeletionRecord {
  Timestamp made;
  std::uint32_t node = 0;
  std::uint64_t sequence = 0;
  bool operator==(const UndeletionRecord&) const = default;
};

// Whose word a pin is: a node can't take back what an administrator pinned.
enum class PinAuthority : std::uint8_t { node = 0, administrator = 1 };

struct PinRecord {  // a snapshot was pinned, or is pinned no more
  Timestamp made;
  std::uint32_t node = 0;
  std::uint64_t sequence = 0;
  bool pinned = false;
  PinAuthority by = PinAuthority::node;
  bool operator==(const PinRecord&) const = default;
};

// A collection found its dead: deletions made before `judged_before` are final.
struct CollectionRecord {
  Timestamp made;
  Timestamp judged_before;
  bool operator==(const CollectionRecord&) const = default;
};

struct PruningRecord {  // all nodes were judged by their policies; what had to go is in records before this
  Timestamp made;
  std::uint64_t deleted = 0;  // so many
  bool operator==(const PruningRecord&) const = default;
};

// An administrator's token lets nobody in any more. Nodes' credentials end by a join or a removal.
struct RevocationRecord {
  Timestamp made;
  CredentialId credential;
  bool operator==(const RevocationRecord&) const = default;
};

// Further kinds get numbers of their own when they come; a reader refuses a kind it does not know, since
// ignoring a deletion or revocation would undo it.
using JournalRecord =
    std::variant<NodeRecord, DomainRecord, CommitRecord, InvitationRecord, JoinRecord, RemovalRecord,
                 RenamingRecord, AdministratorRecord, DeletionRecord, UndeletionRecord, PinRecord,
                 CollectionRecord, PruningRecord, RevocationRecord>;

inline constexpr std::size_t kJournalNameBytesMax = 1024;

// The number that says on disk which of them it is.
std::uint32_t journal_kind_of(const JournalRecord& record);
// Requires: check_journal_record.
Bytes encode_journal_payload(const JournalRecord& record);
// Errc::unsupported for a kind it does not know, else Errc::corrupt.
Result<JournalRecord> decode_journal_payload(std::uint32_t kind, ByteView payload);
// Whether it can be encoded: names within their limit, times with fewer nanoseconds than a second has.
Status check_journal_record(const JournalRecord& record);
// When what it says happened; nothing for kinds that have no time.
std::optional<Timestamp> journal_time_of(const JournalRecord& record);

}  // namespace rb
