#include "check/history_check.h"

#include <map>

#include <fmt/format.h>

namespace rb {

namespace {

using Place = std::pair<std::uint32_t, std::uint64_t>;  // node, sequence

struct JournalSnapshot {
  SnapshotId id;
  ObjectId object;
  std::optional<Timestamp> deleted;
};

// The snapshots that the journal says there are: a deletion that a collection has judged is final.
class JournalHistory {
 public:
  void take(const JournalEntry& entry) {
    if (const auto* commit = std::get_if<CommitRecord>(&entry.record)) {
      snapshots_[{commit->node, commit->sequence}] = {snapshot_id_of(entry), commit->snapshot, std::nullopt};
    } else if (const auto* deletion = std::get_if<DeletionRecord>(&entry.record)) {
      mark({deletion->node, deletion->sequence}, deletion->made);
    } else if (const auto* undeletion = std::get_if<UndeletionRecord>(&entry.record)) {
      mark({undeletion->node, undeletion->sequence}, std::nullopt);
    } else if (const auto* collection = std::get_if<CollectionRecord>(&entry.record)) {
      std::erase_if(snapshots_, [&](const auto& snapshot) {
        return snapshot.second.deleted && *snapshot.second.deleted < collection->judged_before;
      });
    }
  }
  std::map<Place, JournalSnapshot>& snapshots() { return snapshots_; }

 private:
  void mark(const Place& place, std::optional<Timestamp> deleted) {
    const auto found = snapshots_.find(place);
    if (found != snapshots_.end()) found->second.deleted = deleted;
  }
  std::map<Place, JournalSnapshot> snapshots_;
};

class HistoryCheck {
 public:
  HistoryCheck(RepositoryCore& core, const Pace& pace, Findings& findings)
      : core_(core), pace_(pace), findings_(findings) {
    for (const NodeBook::Member& member : core.book().members())
      names_[member.record.node] = member.record.name;
  }

  Result<HistoryCheckReport> run() {
    std::vector<CatalogCommit> commits;
    RB_TRY(core_.catalog().visit_commits([&](const CatalogCommit& commit) -> Status {
      commits.push_back(commit);
      return {};
    }));
    JournalHistory history;
    RB_TRY(core_.journal().replay(0, [&](const JournalEntry& entry) -> Status {
      history.take(entry);
      return pace_.check();
    }));
    for (const CatalogCommit& commit : commits) {
      RB_TRY(pace_.check());
      RB_TRY(check_commit(commit, history));
    }
    for (const auto& [place, snapshot] : history.snapshots())
      RB_TRY(check_is_known(place, snapshot));
    return HistoryCheckReport{.snapshots = commits.size()};
  }

 private:
  // Takes it out of `history`. One that a collection judged since the catalog was read is no finding.
  Status check_commit(const CatalogCommit& commit, JournalHistory& history) {
    const Place place{commit.node, commit.snapshot.sequence};
    const auto said = history.snapshots().find(place);
    const bool agrees = said != history.snapshots().end() && said->second.id == commit.snapshot.id &&
                        said->second.object == commit.snapshot.object;
    if (said != history.snapshots().end()) history.snapshots().erase(said);
    RB_TRY(const auto now, core_.book().snapshot(commit.node, commit.snapshot.id));
    if (!now) return {};
    if (!agrees) tell(FindingKind::catalog, commit, "the journal has no such snapshot");
    RB_TRY(const ObjectIndex::Answer answer,
           core_.index().find(commit.domain, std::span(&commit.snapshot.object, 1)));
    const auto& found = answer.found[0];
    if (!found) {
      tell(FindingKind::incomplete, commit, "its object is not there");
    } else if (found->row.kind != ObjectKind::snapshot) {
      tell(FindingKind::catalog, commit, "its object is none of a snapshot");
    } else if (!found->complete()) {
      tell(FindingKind::incomplete, commit, "it is not complete");
    }
    return {};
  }

  Status check_is_known(const Place& place, const JournalSnapshot& snapshot) {
    RB_TRY(const auto now, core_.book().snapshot(place.first, snapshot.id));
    if (now) return {};
    CatalogCommit commit{.node = place.first, .snapshot = {.id = snapshot.id, .sequence = place.second}};
    tell(FindingKind::catalog, commit, "the journal has it, and the catalog does not");
    return {};
  }

  void tell(FindingKind kind, const CatalogCommit& commit, std::string what) {
    const std::string& name = names_[commit.node];
    findings_.add(
        {.kind = kind,
         .where = fmt::format("snapshot {} of {}", to_hex(commit.snapshot.id).substr(0, 8),
                              name.empty() ? fmt::format("node {}", commit.node) : name),
         .what = std::move(what),
         .advice = kind == FindingKind::catalog
                       ? "stop the server, delete the directory 'catalog' and start it"
                       : "what it lacks is listed beside this; back up again, and use another snapshot",
         .affected = {}});
  }

  RepositoryCore& core_;
  const Pace& pace_;
  Findings& findings_;
  std::map<std::uint32_t, std::string> names_;
};

}  // namespace

Result<HistoryCheckReport> check_histories(RepositoryCore& core, const Pace& pace, Findings& findings) {
  return HistoryCheck(core, pace, findings).run();
}

}  // namespace rb
