// The catalog: what packs and journal hold, arranged for looking up. Derived data: it can be deleted at any
// time and is then made anew, so nothing here is durable by itself. What must hold instead: after a crash the
// catalog contains the effect of the first n batches for some n, each batch wholly or not at all, watermark
// included; opening a repository applies the rest from packs and journal.
//
// Object numbers are dense, begin at 1, are never reused within a catalog, and are named nowhere outside it.
// Completeness checks and garbage collection walk them instead of ids.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "format/journal_format.h"
#include "format/pack_format.h"
#include "repository/dead_set.h"
#include "store/store.h"

namespace rb {

// What is known of one object.
struct ObjectRow {
  ObjectNumber number = 0;
  ObjectKind kind = ObjectKind::chunk;
  std::uint8_t flags = 0;
  PackPosition at;          // the record of its block
  std::uint32_t index = 0;  // its place in that block
  // Its part of the record's bytes, for telling how full of live objects a pack is; the parts of all objects
  // of a record add up to no more than the record. 0: not known.
  std::uint32_t share_bytes = 0;
  bool operator==(const ObjectRow&) const = default;
};
// Found while rebuilding, but something it refers to is lost: it can be read, yet is never "have", and
// nothing new may refer to it. A good copy of it and of what is missing clears the flag.
inline constexpr std::uint8_t kRowIncomplete = 1;
// 2: its id was recomputed from its contents, and that of all it refers to (a later version).

// One object as it enters. `children`: the numbers of what it refers to, for metadata, in any order.
struct CatalogObject {
  std::uint32_t domain = 0;
  ObjectId id;
  ObjectRow row;
  std::vector<ObjectNumber> children;
  bool operator==(const CatalogObject&) const = default;
};

struct CatalogCommit {
  std::uint32_t node = 0;
  std::uint32_t domain = 0;
  SnapshotInfo snapshot;
  bool operator==(const CatalogCommit&) const = default;
};

// A pack that rows point into, or did.
struct CatalogPack {
  std::uint64_t pack = 0;
  PackWriter writer = PackWriter::sessions;
  // What of it is counted in the stored bytes of each node, to be taken off when the pack goes.
  std::map<std::uint32_t, std::uint64_t> bytes;
  bool operator==(const CatalogPack&) const = default;
};

struct CatalogKey {
  std::uint32_t domain = 0;
  ObjectId id;
  bool operator==(const CatalogKey&) const = default;
};

struct CatalogSnapshotKey {
  std::uint32_t node = 0;
  std::uint64_t sequence = 0;
  bool operator==(const CatalogSnapshotKey&) const = default;
};

struct CatalogNode {
  NodeRecord record;
  bool removed = false;  // lets nobody in
  bool operator==(const CatalogNode&) const = default;
};

struct CatalogCredential {
  CredentialId id;
  SecretHash secret;
  std::uint32_t node = 0;  // 0: an administrator's token
  bool revoked = false;
  std::string name;  // of a token, for people
  Timestamp made;
  bool operator==(const CatalogCredential&) const = default;
};

enum class InvitationState : std::uint8_t { open = 0, used = 1, withdrawn = 2 };

struct CatalogInvitation {
  InvitationRecord record;  // of the name that the node has now
  InvitationState state = InvitationState::open;
  CredentialId used_by;
  bool operator==(const CatalogInvitation&) const = default;
};

// What became of a snapshot after its commit.
struct CatalogSnapshotMark {
  CatalogSnapshotKey snapshot;
  std::optional<Timestamp> deleted;
  bool pinned_by_administrator = false;
  bool pinned_by_node = false;
  std::optional<Timestamp> released;  // the node took its pin back; it holds a while longer
  bool says_nothing() const { return !deleted && !pinned_by_administrator && !pinned_by_node && !released; }
  bool operator==(const CatalogSnapshotMark&) const = default;
};

// Times that the journal knows.
struct CatalogTimes {
  std::optional<Timestamp> newest;         // of all records
  std::optional<Timestamp> last_pruning;   // the newest of them
  std::optional<Timestamp> judged_before;  // of the last collection
  std::optional<Timestamp> last_collection;
  bool operator==(const CatalogTimes&) const = default;
};

struct JournalMark {
  std::uint64_t sequence = 0;
  Digest hash;  // of the entry with that sequence: a catalog of another history is recognised
  bool operator==(const JournalMark&) const = default;
};

// Applied as one. What is not set stays as it is. Removals come first: what a batch both removes and adds is
// there afterwards. To remove what is not there does nothing.
struct CatalogBatch {
  std::vector<CatalogObject> objects;  // sorted by (domain, id), none twice; replaces a row that exists
  std::map<std::uint32_t, std::uint64_t> object_counts;  // of each domain, after this batch
  std::map<std::uint32_t, std::uint64_t> stored_bytes;   // of each node's blocks, after this batch
  std::vector<CatalogNode> nodes;  // here and below: the last one of a number or id counts
  std::vector<DomainRecord> domains;
  std::vector<CatalogCredential> credentials;
  std::vector<CatalogInvitation> invitations;
  std::vector<CatalogCommit> commits;
  std::vector<CatalogSnapshotMark> snapshot_marks;  // one that says nothing removes what was there
  std::optional<CatalogTimes> times;
  std::optional<PackPosition> packs;    // every record before it has been applied
  std::optional<PackPosition> counted;  // every record before it, and no other, is in stored_bytes
  std::optional<JournalMark> journal;   // every entry up to it has been applied
  std::optional<ObjectNumber> next_number;

  std::vector<CatalogPack> pack_rows;       // replaces; a pack of `objects` that has no row gets an empty one
  std::shared_ptr<const DeadSet> dead_set;  // replaces
  std::optional<std::vector<ObjectNumber>> begins;  // the next numbers when the last collections began
  bool lift_dead_set = false;
  std::vector<CatalogKey> removed_objects;
  std::vector<ObjectNumber> removed_children;
  std::vector<std::uint64_t> removed_packs;
  std::vector<CatalogSnapshotKey> removed_snapshots;
};

// What the batches applied so far say.
struct CatalogState {
  RepositoryId repository;
  PackPosition packs;
  PackPosition counted;
  JournalMark journal;
  ObjectNumber next_number = 1;
  CatalogTimes times;
};

// Each may hand an error to the caller, which ends the visit. They may call the catalog.
using ObjectVisitor = std::function<Status(const ObjectId& id, const ObjectRow& row)>;
using ChildrenVisitor = std::function<Status(ObjectNumber number, std::vector<ObjectNumber> children)>;
using CommitVisitor = std::function<Status(const CatalogCommit& commit)>;

// Thread-safe.
class Catalog {
 public:
  virtual ~Catalog() = default;

  virtual Result<CatalogState> state() = 0;
  virtual Result<std::map<std::uint32_t, std::uint64_t>> object_counts() = 0;
  virtual Result<std::map<std::uint32_t, std::uint64_t>> stored_bytes() = 0;
  virtual Result<std::vector<CatalogNode>> nodes() = 0;
  virtual Result<std::vector<DomainRecord>> domains() = 0;
  virtual Result<std::vector<CatalogCredential>> credentials() = 0;
  virtual Result<std::vector<CatalogInvitation>> invitations() = 0;
  virtual Result<std::vector<CatalogSnapshotMark>> snapshot_marks() = 0;  // by node and sequence
  // The packs that rows point into, or did until the pack is removed; ascending.
  virtual Result<std::vector<std::uint64_t>> packs() = 0;
  virtual Result<std::vector<CatalogPack>> pack_rows() = 0;

  // One answer per id, in order.
  virtual Result<std::vector<std::optional<ObjectRow>>> find(std::uint32_t domain,
                                                             std::span<const ObjectId> ids) = 0;
  // Ascending, none twice; empty for a chunk.
  virtual Result<std::vector<ObjectNumber>> children(ObjectNumber number) = 0;

  // Nothing when no collection is being swept.
  virtual Result<std::shared_ptr<const DeadSet>> dead_set() = 0;
  // Oldest first; empty in a catalog made anew.
  virtual Result<std::vector<ObjectNumber>> begins() = 0;
  // At most `limit` rows of a domain beyond `after`, ascending by id; consistent within the call.
  virtual Status visit_objects(std::uint32_t domain, const std::optional<ObjectId>& after, std::size_t limit,
                               const ObjectVisitor& visit) = 0;
  // At most `limit` rows of what has children and a number below `below`, descending; consistent likewise.
  virtual Status visit_children(ObjectNumber below, std::size_t limit, const ChildrenVisitor& visit) = 0;
  // All histories, by node, each oldest first; consistent likewise.
  virtual Status visit_commits(const CommitVisitor& visit) = 0;

  // Newest first.
  virtual Result<std::vector<SnapshotInfo>> snapshots(std::uint32_t node, std::uint64_t before_sequence,
                                                      std::size_t limit) = 0;
  virtual Result<std::uint64_t> snapshot_count(std::uint32_t node) = 0;
  // With the domain that it was made in.
  virtual Result<std::optional<CatalogCommit>> commit_at(const CatalogSnapshotKey& snapshot) = 0;
  virtual Result<std::optional<SnapshotInfo>> commit_of(std::uint32_t node, const RunId& run) = 0;
  virtual Result<std::optional<SnapshotInfo>> snapshot(std::uint32_t node, const SnapshotId& id) = 0;

  virtual Status apply(const CatalogBatch& batch) = 0;
  // The same for many objects at once: dear to begin with, cheap a row, and durable when it returns. After
  // the last of them end_load() makes looking up as fast as it is otherwise. Not by two at a time.
  virtual Status load(const CatalogBatch& batch) { return apply(batch); }
  virtual Status end_load() { return {}; }
  // Makes what was applied durable, so that less is replayed at the next start.
  virtual Status persist() = 0;
  // A reading has found it damaged. What it gave before was right; it is to be cleared and made anew.
  virtual bool is_damaged() const { return false; }
  // Forgets everything; from now on the catalog is that of `repository`.
  virtual Status clear(const RepositoryId& repository) = 0;
};

}  // namespace rb
