#include "repository/node_book.h"

#include <algorithm>

#include "base/log.h"

namespace rb {

namespace {

constexpr std::size_t kReplayBatch = 10000;

SnapshotInfo info_of(const JournalEntry& entry, const CommitRecord& commit) {
  return {snapshot_id_of(entry), commit.sequence, commit.received, commit.run, commit.snapshot};
}

bool same_head(const std::optional<SnapshotInfo>& head, const std::optional<SnapshotId>& expected) {
  if (!head || !expected) return !head && !expected;
  return head->id == *expected;
}

}  // namespace

Result<std::unique_ptr<NodeBook>> NodeBook::open(Journal& journal, Catalog& catalog, const Clock& clock,
                                                 std::uint64_t& replayed) {
  auto book = std::unique_ptr<NodeBook>(new NodeBook(journal, catalog, clock));
  RB_TRY(book->load_catalog());
  RB_TRY(const CatalogState state, catalog.state());
  book->last_taken_ = state.journal.sequence;
  // Something may be missing between the entries of a damaged journal. Once that is put right the catalog has
  // to be made anew, so it does not say that it is level with this one.
  const bool may_have_gaps = !journal.read_only_reason().empty();
  const auto apply = [&](const JournalEntry& entry) -> Status {
    book->take(entry);
    if (may_have_gaps) book->behind_.journal->hash = {};
    ++replayed;
    if (replayed % kReplayBatch == 0) return book->catch_up();
    return {};
  };
  RB_TRY(journal.replay(state.journal.sequence, apply));
  RB_TRY(book->catch_up());
  return book;
}

Status NodeBook::load_catalog() {
  RB_TRY(const std::vector<CatalogNode> nodes, catalog_.nodes());
  RB_TRY(const std::vector<DomainRecord> domains, catalog_.domains());
  RB_TRY(const std::vector<CatalogCredential> credentials, catalog_.credentials());
  RB_TRY(const std::vector<CatalogInvitation> invitations, catalog_.invitations());
  RB_TRY(const std::vector<CatalogSnapshotMark> marks, catalog_.snapshot_marks());
  RB_TRY(const CatalogState state, catalog_.state());
  times_ = state.times;
  marks_.load(marks);
  credentials_.load(credentials, invitations);
  for (const DomainRecord& domain : domains)
    domains_.emplace(domain.domain, domain);
  for (const CatalogNode& node : nodes) {
    nodes_.emplace(node.record.node, node);
    RB_TRY(const auto newest, catalog_.snapshots(node.record.node, UINT64_MAX, 1));
    if (newest.empty()) continue;
    heads_.emplace(node.record.node, newest.front());
    RB_TRY(const std::uint64_t count, catalog_.snapshot_count(node.record.node));
    snapshot_counts_[node.record.node] = count - std::min(count, marks_.deleted_count(node.record.node));
  }
  return {};
}

// Takes one entry into memory and into what the catalog is behind.
void NodeBook::take(const JournalEntry& entry) {
  const std::unique_lock lock(state_mutex_);
  if (const auto* node = std::get_if<NodeRecord>(&entry.record)) {
    nodes_[node->node] = {*node};
    behind_.nodes.push_back({*node});
  } else if (const auto* domain = std::get_if<DomainRecord>(&entry.record)) {
    domains_[domain->domain] = *domain;
    behind_.domains.push_back(*domain);
  } else if (const auto* commit = std::get_if<CommitRecord>(&entry.record)) {
    const SnapshotInfo info = info_of(entry, *commit);
    heads_[commit->node] = info;
    ++snapshot_counts_[commit->node];
    behind_.commits.push_back({commit->node, commit->domain, info});
  } else {
    take_membership(entry.record);
    take_history(entry.record);
  }
  take_time(entry.record);
  behind_.journal = JournalMark{entry.sequence, entry.hash};
  last_taken_ = entry.sequence;
  is_behind_ = true;
}

// What the journal has is true whether or not the catalog could be written; until it can, queries of it fail.
Status NodeBook::catch_up() {
  if (!behind_.journal) return {};
  RB_TRY(catalog_.apply(behind_));
  behind_ = {};
  is_behind_ = false;
  return {};
}

Status NodeBook::await_catalog() {
  if (!is_behind_) return {};
  const std::lock_guard lock(changes_);
  return catch_up();
}

// A record that could not be written may be there all the same, and whoever decides something has to know.
// Gives whether it is. A journal that is read-only for other reasons stays so, and fails at the next record.
Result<bool> NodeBook::settle_doubt() {
  RB_TRY(journal_.resume());
  if (journal_.last_sequence() == last_taken_) return false;
  RB_TRY(journal_.replay(last_taken_, [&](const JournalEntry& entry) -> Status {
    take(entry);
    return {};
  }));
  return true;
}

// Before anything is decided by what is known.
Status NodeBook::prepare() {
  RB_TRY(settle_doubt());
  return catch_up();
}

void NodeBook::try_to_resume() {
  if (journal_.read_only_reason().empty()) return;
  const std::unique_lock lock(changes_, std::try_to_lock);
  if (!lock) return;
  if (const Status done = prepare(); !done) log(LogLevel::debug, "{}", done.error().message);
}

// From the return on it has happened, whatever becomes of the catalog.
Result<JournalEntry> NodeBook::change(const JournalRecord& record) {
  RB_TRY(const bool surprised, settle_doubt());
  if (surprised) {
    return fail(Errc::unavailable,
                "an earlier change, of which the journal was in doubt, has turned out to be made: try again");
  }
  RB_TRY(JournalEntry entry, journal_.append(record));
  take(entry);
  if (const Status done = catch_up(); !done) log(LogLevel::warning, "{}", done.error().message);
  return entry;
}

const CatalogNode* NodeBook::node_named(const std::string& name) const {
  const auto found =
      std::find_if(nodes_.begin(), nodes_.end(), [&](const auto& n) { return n.second.record.name == name; });
  return found == nodes_.end() ? nullptr : &found->second;
}

const CatalogNode* NodeBook::node_numbered(std::uint32_t node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : &found->second;
}

ChunkParams NodeBook::chunk_params(std::uint32_t domain) const {
  const std::shared_lock lock(state_mutex_);
  const auto found = domains_.find(domain);
  RB_ASSERT(found != domains_.end());
  return found->second.chunk_params;
}

bool NodeBook::has_domain(std::uint32_t domain) const {
  const std::shared_lock lock(state_mutex_);
  return domains_.contains(domain);
}

bool NodeBook::is_group(std::uint32_t domain) const {
  const std::shared_lock lock(state_mutex_);
  const auto found = domains_.find(domain);
  return found != domains_.end() && !found->second.group.empty();
}

Result<CommitResult> NodeBook::commit(const SessionState& session, const CommitRequest& request,
                                      const std::function<Status()>& admit) {
  const std::lock_guard lock(changes_);
  RB_TRY(catch_up());
  RB_TRY(auto first, catalog_.commit_of(session.node, session.run));
  if (first) return CommitResult{true, std::move(first)};
  RB_TRY(const bool surprised, settle_doubt());
  if (surprised) {
    RB_TRY(catch_up());
    RB_TRY(first, catalog_.commit_of(session.node, session.run));
    if (first) return CommitResult{true, std::move(first)};
  }
  RB_TRY(session.check_open());
  const auto head = heads_.find(session.node);
  const auto before = head == heads_.end() ? std::nullopt : std::optional(head->second);
  if (!same_head(before, request.expected_head)) return CommitResult{false, before};
  RB_TRY(admit());

  CommitRecord record;
  record.node = session.node;
  record.domain = session.domain;
  record.sequence = before ? before->sequence + 1 : 1;
  record.received = clock_.wall();
  record.run = session.run;
  record.snapshot = request.snapshot;
  RB_TRY(const JournalEntry entry, change(record));
  return CommitResult{true, info_of(entry, record)};
}

void NodeBook::barrier() {
  const std::lock_guard lock(changes_);
}

std::optional<SnapshotInfo> NodeBook::head(std::uint32_t node) const {
  const std::shared_lock lock(state_mutex_);
  const auto found = heads_.find(node);
  if (found == heads_.end()) return std::nullopt;
  return found->second;
}

Result<std::optional<SnapshotInfo>> NodeBook::commit_of(std::uint32_t node, const RunId& run) {
  RB_TRY(await_catalog());
  return catalog_.commit_of(node, run);
}

Result<std::optional<SnapshotInfo>> NodeBook::snapshot(std::uint32_t node, const SnapshotId& id) {
  RB_TRY(await_catalog());
  return catalog_.snapshot(node, id);
}

std::uint64_t NodeBook::snapshot_count(std::uint32_t node) const {
  const std::shared_lock lock(state_mutex_);
  const auto found = snapshot_counts_.find(node);
  return found == snapshot_counts_.end() ? 0 : found->second;
}

}  // namespace rb
