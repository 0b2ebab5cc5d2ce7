// What the journal says, ready to use: nodes, domains, histories, and who may come in as which node. Every
// change is a record in the journal first, then a change in memory and rows of the catalog; the journal alone
// decides. Thread-safe: changes form one serialised step, and reading does not wait for a journal being
// synced unless it reads the catalog.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "repository/catalog.h"
#include "repository/credential_book.h"
#include "repository/journal.h"
#include "repository/session_state.h"
#include "repository/snapshot_marks.h"
#include "store/node_registry.h"

namespace rb {

struct MarkedSnapshot {
  SnapshotInfo info;
  CatalogSnapshotMark mark;
};

class NodeBook {
 public:
  // Reads the catalog and applies the entries of the journal that it lacks. Gives how many these were in
  // `replayed`.
  static Result<std::unique_ptr<NodeBook>> open(Journal& journal, Catalog& catalog, const Clock& clock,
                                                std::uint64_t& replayed);

  // The node bound to this uid and user name; enrols it, in a domain of its own, when there is none. `label`
  // is its name unless another node has that. A removed one is given too.
  Result<CatalogNode> node_of(std::uint32_t uid, const std::string& user, const std::string& label);
  // The caller's node, if it may begin a session now; else Errc::denied.
  Result<NodeRecord> admit(const Caller& caller) const;
  ChunkParams chunk_params(std::uint32_t domain) const;
  bool has_domain(std::uint32_t domain) const;
  // Whether several nodes may share it.
  bool is_group(std::uint32_t domain) const;

  // As NodeRegistry says.
  Result<Invitation> invite(const InvitationRequest& request);
  struct Joined {
    JoinAnswer answer;
    std::uint32_t node = 0;
    bool first_time = false;  // not the repetition of a request that was answered
  };
  Result<Joined> join(const JoinRequest& request);
  Result<Caller> authenticate(const Credential& credential) const;
  Result<AdministratorToken> make_administrator_token(const std::string& name);
  std::vector<TokenOverview> administrator_tokens() const;  // without when they were used
  Result<TokenOverview> revoke_administrator_token(const std::string& id);
  // Gives the number of the node, 0 when there were invitations only.
  Result<std::uint32_t> remove(const std::string& name);
  Status rename(const std::string& from, const std::string& to);

  struct Member {
    NodeRecord record;  // number 0: invited, but not a node yet
    std::string group;
    bool removed = false;
    bool invited = false;
    std::optional<SnapshotInfo> head;
  };
  std::vector<Member> members() const;  // by name

  // Compare-and-swap on the head of the session's node. The fence and an earlier commit of the same run are
  // looked at inside the step; `admit` is called in it too, as the last thing before the journal, and says
  // that the snapshot is still there and makes it a root. Requires: the snapshot object is durable and
  // accepted.
  Result<CommitResult> commit(const SessionState& session, const CommitRequest& request,
                              const std::function<Status()>& admit);
  // As barrier() of BlockWriter, for commits.
  void barrier();
  // After a failed write of the journal: writes go on, if they can. Changes do that themselves; this is for
  // who only wants to know. Does nothing while a change is under way.
  void try_to_resume();

  // What stays of the histories (docs/retention.md, docs/gc.md). Deleted snapshots are in no list of
  // snapshots(); commit_of() and snapshot() know them until a collection has judged them.

  // Newest first, the deleted ones too.
  Result<std::vector<MarkedSnapshot>> history(std::uint32_t node);
  CatalogSnapshotMark mark_of(const CatalogSnapshotKey& snapshot) const;
  std::vector<CatalogSnapshotMark> marks_of_node(std::uint32_t node) const;
  Result<NodeRecord> node_called(const std::string& name) const;
  CatalogTimes times() const;

  // Passes by the head, and what is pinned or deleted by now. Whatever the clock says, none is deleted before
  // a time by which a collection has judged or is judging: it would be final at once. Gives how many it
  // deleted.
  Result<std::uint64_t> delete_snapshots(std::uint32_t node, std::span<const std::uint64_t> sequences);
  // `admit` is called as in commit. Nothing happens to one that is not deleted. Errc::not_found: no such
  // snapshot, or a collection has judged it.
  Status undelete(const CatalogSnapshotKey& snapshot,
                  const std::function<Status(std::uint32_t domain, const ObjectId& object)>& admit);
  // `admit` is called inside the step, if there is anything to do.
  Status pin(const CatalogSnapshotKey& snapshot, bool pinned, PinAuthority by,
             const std::function<Status()>& admit);
  Status note_pruning(std::uint64_t deleted);

  // For a collection. What a mark that judges at `judged_before` takes as roots: every snapshot but those
  // that were deleted before then. Call it after barrier().
  Status visit_kept(const Timestamp& judged_before, const CommitVisitor& visit);
  // Before the freeze, with the time that was judged by: what was deleted before is gone from the catalog
  // when this returns, and stays gone when a catalog is made anew. Not after it: a dead set of which the
  // journal knows nothing would be swept, and leave snapshots without their objects.
  Status note_collection(const Timestamp& judged_before);

  std::optional<SnapshotInfo> head(std::uint32_t node) const;
  Result<std::optional<SnapshotInfo>> commit_of(std::uint32_t node, const RunId& run);
  Result<std::optional<SnapshotInfo>> snapshot(std::uint32_t node, const SnapshotId& id);
  // `gone_after` of a deleted one is when it was deleted: the grace is not this class's to know.
  Result<std::vector<SnapshotInfo>> snapshots(std::uint32_t node, const SnapshotQuery& query);
  std::uint64_t snapshot_count(std::uint32_t node) const;

 private:
  NodeBook(Journal& journal, Catalog& catalog, const Clock& clock)
      : journal_(journal), catalog_(catalog), clock_(clock) {}
  Status load_catalog();

  // Requires: changes_ (or nobody else knows this yet).
  Result<JournalEntry> change(const JournalRecord& record);
  void take(const JournalEntry& entry);
  void take_membership(const JournalRecord& record);
  void take_history(const JournalRecord& record);
  void take_time(const JournalRecord& record);
  Timestamp time_of_deletion() const;
  Status catch_up();
  Status prepare();
  Result<bool> settle_doubt();
  Result<NodeRecord> enrol(NodeRecord node, const std::string& group);
  Result<std::uint32_t> domain_for(const std::string& group);
  std::string free_name(const std::string& label, std::uint32_t uid) const;
  Result<NodeRecord> node_to_join(const CatalogInvitation& invitation);
  Result<const CatalogCredential*> token_called(const std::string& id) const;
  Result<Joined> join_again(const CatalogInvitation& invitation, const Credential& credential) const;
  JoinAnswer answer_for(const NodeRecord& node) const;

  // Requires: changes_ or state_mutex_.
  const CatalogNode* node_named(const std::string& name) const;
  const CatalogNode* node_numbered(std::uint32_t node) const;
  bool has_expired(const InvitationRecord& invitation) const;

  // Waits for a change under way, so that the catalog says what was answered.
  Status await_catalog();

  Journal& journal_;
  Catalog& catalog_;
  const Clock& clock_;
  std::mutex changes_;   // held during a change, the journal's sync included
  CatalogBatch behind_;  // in the journal, not yet in the catalog; guarded by changes_
  std::atomic<bool> is_behind_ = false;
  std::uint64_t last_taken_ = 0;  // sequence of the journal; guarded by changes_
  Timestamp judging_before_;      // of the mark that runs, or the last one; guarded by changes_

  mutable std::shared_mutex state_mutex_;  // what follows is written only by who holds changes_ as well
  std::map<std::uint32_t, CatalogNode> nodes_;
  std::map<std::uint32_t, DomainRecord> domains_;
  std::map<std::uint32_t, SnapshotInfo> heads_;             // by node
  std::map<std::uint32_t, std::uint64_t> snapshot_counts_;  // by node
  CredentialBook credentials_;
  SnapshotMarks marks_;
  CatalogTimes times_;
};

}  // namespace rb
