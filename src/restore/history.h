// Reading a node's history: which snapshots there are, what stands in one, what differs between two.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "format/entry.h"
#include "format/snapshot.h"
#include "store/store.h"
#include "tree/directory_edit.h"

namespace rb {

// WHEN as people write it, resolved against a history. `text`: a snapshot id or unique prefix (at least 4 hex
// digits; what has the form of a date is a date), "latest", "2026-11-01", "2026-11-01 14:30[:05]" (local
// zone), "3 days ago" (minutes hours days weeks months years): the newest snapshot received at or before that
// moment; a day means its end.
Result<SnapshotInfo> resolve_when(Session& session, std::string_view text, const Clock& clock);

// A snapshot with what its object says. Newest first; each loaded only as the visitor asks for more (false:
// enough).
struct HistoryItem {
  SnapshotInfo info;
  Snapshot snapshot;
};
Status visit_history(Session& session, const std::function<Result<bool>(const HistoryItem&)>& visit);
Result<Snapshot> load_snapshot(ObjectSource& source, const SnapshotInfo& info);

// Entries at and under `absolute_path` of a snapshot: the entry itself first when it is no directory, else
// its children (and with `recursive` theirs), in walk order, with their absolute paths.
using EntryVisitor = std::function<Status(const std::string& path, const Entry&)>;
Status visit_entries(ObjectSource& source, const Snapshot& snapshot, const std::string& absolute_path,
                     bool recursive, const EntryVisitor& visit);

// Paths that differ between two snapshots at and under `absolute_path`, in walk order. A directory that came
// or went is reported with all beneath it.
struct PathChange {
  std::string path;
  std::optional<Entry> before, after;
};
Status diff_snapshots(ObjectSource& source, const Snapshot& before, const Snapshot& after,
                      const std::string& absolute_path,
                      const std::function<Status(const PathChange&)>& visit);

// Snapshots in which the entry at the path (all beneath it included) differs from the one before. Newest
// first; false from the visitor: enough.
Status visit_path_history(
    Session& session, const std::string& absolute_path,
    const std::function<Result<bool>(const HistoryItem&, const std::optional<Entry>&)>& visit);

// The content of one file, in order, holes as zeros.
Status read_content(Session& session, const Entry& file, const std::function<Status(ByteView)>& sink);

}  // namespace rb
