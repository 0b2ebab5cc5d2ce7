#include "restore/history.h"

#include <fmt/format.h>

#include "base/limits.h"
#include "restore/entry_walk.h"
#include "restore/snapshot_pages.h"
#include "restore/tree_diff.h"
#include "store/object_reader.h"
#include "tree/root_tree.h"

namespace rb {
namespace {

Result<std::optional<Entry>> entry_at(ObjectSource& source, const Snapshot& snapshot,
                                      const std::string& path) {
  RB_TRY(const PathComponents components, split_path(path));
  return find_path(source, snapshot.root, components);
}

std::string child_path(const std::string& parent, const std::string& name) {
  return parent == "/" ? parent + name : parent + "/" + name;
}

bool has_tree(const Entry& entry) {
  return entry.type == EntryType::directory && entry.content_kind == ContentKind::tree;
}

// A stack of its own, and few pages: see EntryWalk::suspend.
Status visit_beneath(ObjectSource& source, std::string path, const Entry& directory, bool recursive,
                     const EntryVisitor& visit) {
  struct Level {
    EntryWalk walk;
    std::string path;
  };
  constexpr std::size_t kLevelsWithPages = 32;
  std::vector<Level> levels;
  if (has_tree(directory)) levels.push_back({EntryWalk(source, directory.content), std::move(path)});
  while (!levels.empty()) {
    Level& top = levels.back();
    Result<const Entry*> entry = top.walk.next();
    if (!entry) return std::unexpected(entry.error().with(top.path));
    if (*entry == nullptr) {
      levels.pop_back();
      if (!levels.empty()) RB_TRY(levels.back().walk.resume());
      continue;
    }
    std::string found = child_path(top.path, (*entry)->name);
    RB_TRY(visit(found, **entry));
    if (!recursive || !has_tree(**entry)) continue;
    if (levels.size() >= static_cast<std::size_t>(kMaxDirectoryDepth)) {
      return fail(Errc::unsupported, "directories are nested too deeply");
    }
    EntryWalk walk(source, (*entry)->content);
    levels.push_back({std::move(walk), std::move(found)});
    if (levels.size() > kLevelsWithPages) levels[levels.size() - kLevelsWithPages - 1].walk.suspend();
  }
  return {};
}

}  // namespace

Status visit_snapshot_infos(Session& session, const std::function<Result<bool>(const SnapshotInfo&)>& visit) {
  SnapshotQuery query;
  for (;;) {
    RB_TRY(const std::vector<SnapshotInfo> page, session.snapshots(query));
    if (page.empty()) return {};
    for (const SnapshotInfo& info : page) {
      // A store that doesn't descend would keep us here for ever.
      if (info.sequence >= query.before_sequence) return fail(Errc::protocol, "the history is out of order");
      query.before_sequence = info.sequence;
      RB_TRY(const bool more, visit(info));
      if (!more) return {};
    }
  }
}

Result<Snapshot> load_snapshot(ObjectSource& source, const SnapshotInfo& info) {
  const std::string doing = "reading snapshot " + to_hex(info.id);
  auto object = source.load(info.object);
  if (!object) return std::unexpected(object.error().with(doing));
  if ((*object)->kind != ObjectKind::snapshot) return fail(Errc::corrupt, doing + ": it is of another kind");
  auto snapshot = decode_snapshot((*object)->refs, (*object)->payload);
  if (!snapshot) return std::unexpected(snapshot.error().with(doing));
  return snapshot;
}

Status visit_history(Session& session, const std::function<Result<bool>(const HistoryItem&)>& visit) {
  ObjectReader objects(session);
  return visit_snapshot_infos(session, [&](const SnapshotInfo& info) -> Result<bool> {
    RB_TRY(Snapshot snapshot, load_snapshot(objects, info));
    return visit({info, std::move(snapshot)});
  });
}

Status visit_entries(ObjectSource& source, const Snapshot& snapshot, const std::string& absolute_path,
                     bool recursive, const EntryVisitor& visit) {
  RB_TRY(const PathComponents components, split_path(absolute_path));
  RB_TRY(const std::optional<Entry> entry, find_path(source, snapshot.root, components));
  std::string path = join_path(components);
  if (!entry) return fail(Errc::not_found, fmt::format("{}: there is no such path in this snapshot", path));
  if (entry->type != EntryType::directory) return visit(path, *entry);
  return visit_beneath(source, std::move(path), *entry, recursive, visit);
}

Status diff_snapshots(ObjectSource& source, const Snapshot& before, const Snapshot& after,
                      const std::string& absolute_path,
                      const std::function<Status(const PathChange&)>& visit) {
  RB_TRY(const PathComponents components, split_path(absolute_path));
  RB_TRY(const std::optional<Entry> old_entry, find_path(source, before.root, components));
  RB_TRY(const std::optional<Entry> new_entry, find_path(source, after.root, components));
  return diff_entries(source, join_path(components), old_entry, new_entry, visit);
}

Status visit_path_history(
    Session& session, const std::string& absolute_path,
    const std::function<Result<bool>(const HistoryItem&, const std::optional<Entry>&)>& visit) {
  struct Version {
    HistoryItem item;
    std::optional<Entry> entry;
  };
  ObjectReader objects(session);
  std::optional<Version> newer;  // reported once it is known what the one before it had
  bool more = true;
  RB_TRY(visit_history(session, [&](const HistoryItem& item) -> Result<bool> {
    RB_TRY(std::optional<Entry> entry, entry_at(objects, item.snapshot, absolute_path));
    if (newer) {
      RB_TRY(const bool differ, entries_differ(objects, entry, newer->entry));
      if (differ) {
        RB_TRY(more, visit(newer->item, newer->entry));
      }
    }
    newer = Version{item, std::move(entry)};
    return more;
  }));
  if (!more || !newer || !newer->entry) return {};
  const Result<bool> last = visit(newer->item, newer->entry);
  if (!last) return std::unexpected(last.error());
  return {};
}

}  // namespace rb
