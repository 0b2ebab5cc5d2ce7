// The Store: what backup logic talks to. A repository on this machine, one in memory and one behind the
// protocol are all Stores, and give the same results. Plain and blocking; every method is safe to call from
// several threads.
//
// A Store is bound to one caller, that is to one node: who that is was settled when it was made (a
// credential, the kernel's word about a socket's peer, or the user who opened the repository's directory).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "format/chunk_params.h"
#include "format/object_io.h"

namespace rb {

// The id of a snapshot that people see: derived from its commit's record in the journal.
using SnapshotId = FixedId<struct SnapshotTag, 16>;

// One commit in a node's history, as the server knows it.
struct SnapshotInfo {
  SnapshotId id;
  std::uint64_t sequence = 0;  // position in the node's history, ascending, from 1, gaps after pruning
  Timestamp received;          // the server's clock; retention goes by it
  RunId run;
  ObjectId object;      // the snapshot object
  bool pinned = false;  // kept whatever the policy says
  // It is deleted, and in no list of what there is. It can be undeleted until a collection begins after this.
  std::optional<Timestamp> gone_after;
  bool operator==(const SnapshotInfo&) const = default;
};

enum class Presence : std::uint8_t {
  have = 0,  // the store holds it and all it refers to, and keeps it at least until this session ends
  send = 1,  // send it, unless you change your mind
  wait = 2,  // another session is sending it (chunks only): ask again a little later, answers never stay
             // "wait" for ever
};

enum class SessionPurpose : std::uint8_t { write, read };

struct BeginRequest {
  RunId run;  // drawn at random by the client; the same one again after a fence
  SessionPurpose purpose = SessionPurpose::write;
  // The root tree that the client's cache was made from; SessionInfo::cache_holds says whether the store has
  // it.
  std::optional<ObjectId> cached_tree;
  // The head this run began from, when it begins again: keeps it pinned for the three-way merge.
  std::optional<SnapshotId> base;
  // Labels, for the list of nodes and for noticing that two machines use one credential.
  std::string client_version;
  std::string boot_id;         // of the client's kernel (/proc/sys/kernel/random/boot_id); empty: unknown
  std::string client_address;  // filled in by the transport, never by the client
};

struct SessionInfo {
  std::string node;  // the node's name, a label
  RepositoryId repository;
  ChunkParams chunk_params;
  std::optional<SnapshotInfo> head;  // nothing: no commit yet
  // A commit of this very run exists already (its answer was lost): nothing is left to do.
  std::optional<SnapshotInfo> already_committed;
  bool cache_holds = false;  // "have" for BeginRequest::cached_tree
  bool base_held = false;    // BeginRequest::base still exists
  // Nothing is stored yet, so every answer would be "send". Session::must_ask() tells when it is withdrawn.
  bool dont_ask = false;
  // Damaged objects that the store would like to have again; "send" is answered for them though parents are
  // "have".
  std::vector<ObjectId> wanted;
  std::vector<std::string> notices;  // for the person at the client, a sentence each
};

struct CommitRequest {
  ObjectId snapshot;                        // a snapshot object that was put and acknowledged
  std::optional<SnapshotId> expected_head;  // compare-and-swap; nothing: no commit yet
};

// Either our commit, or the head that somebody else moved meanwhile (pinned for this session: merge and try
// again).
struct CommitResult {
  bool committed = false;
  std::optional<SnapshotInfo> head;  // ours when committed; nothing only when every snapshot has gone
};

struct SnapshotQuery {
  std::uint64_t before_sequence = UINT64_MAX;  // for paging
  std::size_t limit = 1000;                    // at most 1000 are given at once
  bool deleted = false;  // those that are deleted and can come back, instead of the others
};

struct StoreStatus {
  std::string node;
  std::string server_version;
  std::uint64_t snapshot_count = 0;  // of this node
  std::uint64_t object_count = 0;    // in this node's domain
  std::uint64_t stored_bytes = 0;    // of all packs
  // Of this node alone, and what it may have of each; a quota of 0 is none.
  std::uint64_t node_stored_bytes = 0, quota_stored_bytes = 0;  // blocks it sent, as stored
  std::uint64_t node_logical_bytes = 0,
                quota_logical_bytes = 0;  // files of its copy, as its last snapshot says
  bool read_only = false;
  std::string read_only_reason;
};

// Gets one encoded block; an error ends the reading and is handed to its caller.
using BlockSink = std::function<Status(ByteView block)>;

// Keeps a run's state on the store's side until it is destroyed or fenced. Any method may answer
// Errc::fenced, from then on all do: begin again with the same run id and ask again; what was acknowledged is
// still there.
//
// Errors of a Session are errors of the store: they end a run. They are never blamed on a source file.
class Session {
 public:
  virtual ~Session() = default;  // ends the session; what it stored stays for later runs to find

  virtual const SessionInfo& info() const = 0;

  // False only while info().dont_ask holds.
  virtual bool must_ask() const = 0;

  // One answer per id, in order; at most kMaxAskIds. "have" pins the object and all beneath it.
  virtual Result<std::vector<Presence>> ask(std::span<const ObjectId> ids) = 0;

  // Takes one encoded block, of data or metadata. May return before it is stored, and blocks while too much
  // is under way. Metadata blocks are stored in the order of put, each after all data blocks put before it
  // are durable. A metadata block may refer to earlier objects of this session and to whatever the store has;
  // a reference that does not resolve fails with Errc::missing_refs. An error may be one of an earlier put,
  // and stays. An object the store has already is dropped without harm.
  virtual Status put(Bytes block) = 0;
  // The same of bytes that stay the caller's, for a store that need not copy them.
  virtual Status put_borrowed(ByteView block) { return put(Bytes(block.begin(), block.end())); }

  // A barrier: when it succeeds, everything put before is on stable storage.
  virtual Status flush() = 0;

  // Requires a flush() since the snapshot was put (implementations do it themselves). Idempotent by run id:
  // repeating it gives the first result.
  virtual Result<CommitResult> commit(const CommitRequest& request) = 0;

  // Gives the blocks that hold these objects, each block once, in an order that is good for the disk; at most
  // kMaxReadIds. Blocks may hold other objects too, fewer of them where these are unwanted. Errc::not_found,
  // before the first block, names an id that is not there (or is of another domain); Errc::corrupt, after
  // everything else, a block of which something is lost.
  virtual Status read(std::span<const ObjectId> ids, Neighbours neighbours, const BlockSink& sink) = 0;

  // Newest first.
  virtual Result<std::vector<SnapshotInfo>> snapshots(const SnapshotQuery& query) = 0;

  virtual Result<StoreStatus> status() = 0;

  // Keeps one of the node's snapshots whatever the policy says, or does so no more; to repeat it is harmless.
  // A pin that was taken back holds for a while, and one of an administrator stays. Errc::not_found: there is
  // no such snapshot. Errc::conflict: the node has as many pins as it may. Errc::unsupported: nothing is ever
  // let go here.
  virtual Status pin(const SnapshotId& snapshot, bool pinned);
};

class Store {
 public:
  virtual ~Store() = default;

  // Errc::busy: as many sessions as the server allows; try again after a while.
  virtual Result<std::unique_ptr<Session>> begin(const BeginRequest& request) = 0;
};

}  // namespace rb
