#include <fmt/format.h>

#include "backup/snapshot_commit.h"
#include "base/random.h"
#include "store/object_reader.h"
#include "tree/root_tree.h"

namespace rb {

namespace {

// How often somebody else may be faster before we give up.
constexpr int kMaxTries = 100;

// "/" itself can't go; it becomes a directory with nothing in it.
std::optional<Entry> replacement(const PathComponents& path) {
  if (!path.empty()) return std::nullopt;
  Entry root;
  root.type = EntryType::directory;
  root.implied = true;
  root.mode = 0755;
  return root;
}

// The tree without the path.
Result<ObjectId> remove_path(ObjectSource& objects, ObjectSink& sink, const ObjectId& root,
                             const PathComponents& path) {
  return splice_path(objects, sink, root, path, {}, replacement(path));
}

Snapshot draft_of(const Snapshot& before, const ObjectId& root, const std::string& path,
                  const std::string& host, const Clock& clock) {
  Snapshot snapshot;
  snapshot.root = root;
  snapshot.client_time = clock.wall();
  snapshot.host = host;
  snapshot.client_version = RB_VERSION;
  snapshot.counts.removed = 1;
  for (const Source& source : before.sources) {
    const bool beneath = path == "/" || source.path == path ||
                         (source.path.size() > path.size() && source.path.starts_with(path) &&
                          source.path[path.size()] == '/');
    if (!beneath) snapshot.sources.push_back(source);
  }
  return snapshot;
}

}  // namespace

Result<std::optional<SnapshotInfo>> forget_path(Store& store, const std::string& absolute_path,
                                                const std::string& host, const Clock& clock) {
  RB_TRY(const PathComponents path, split_path(absolute_path));
  BeginRequest request;
  request.run = random_id<RunId>();
  RB_TRY(const std::unique_ptr<Session> session, store.begin(request));
  RunMonitor monitor{BackupEvents{}};
  ObjectReader reader(*session);
  ObjectUploader uploader(*session, monitor, {});

  std::optional<SnapshotInfo> head = session->info().head;
  for (int tries = 0; tries < kMaxTries; ++tries) {
    if (!head) return std::nullopt;
    RB_TRY(const Snapshot before, load_snapshot_object(reader, *head));
    RB_TRY(const std::optional<Entry> entry, find_path(reader, before.root, path));
    if (!entry) return std::nullopt;
    RB_TRY(const ObjectId root, remove_path(reader, uploader, before.root, path));
    const Snapshot after = draft_of(before, root, join_path(path), host, clock);
    RB_TRY(const ObjectId id, uploader.put(encode_snapshot(after)));
    RB_TRY(uploader.flush());
    RB_TRY(const CommitResult result, session->commit({.snapshot = id, .expected_head = head->id}));
    if (result.committed) return result.head;
    head = result.head;
  }
  return fail(Errc::conflict, "others commit to this node all the time; try again later");
}

}  // namespace rb
