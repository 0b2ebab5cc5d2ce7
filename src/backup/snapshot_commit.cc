#include "backup/snapshot_commit.h"

#include <algorithm>

#include "tree/merge.h"

namespace rb {

namespace {

// Each lost race means that somebody else's commit went through. So many in a row are no coincidence.
constexpr int kMaxRounds = 1000;
// Snapshots that can't be read, one after another: more of them, and somebody should look.
constexpr int kMaxOlderTried = 100;

bool lies_within(std::string_view path, std::string_view outer) {
  if (outer == "/" || path == outer) return true;
  return path.size() > outer.size() && path.starts_with(outer) && path[outer.size()] == '/';
}

// A merge with what somebody else committed.
struct Merged {
  ObjectId root;
  std::vector<Source> sources;
};

struct MergeWork {
  Session& session;
  ObjectSource& objects;
  ObjectUploader& uploader;
  const CommitBase& base;
  const ObjectId& own_root;

  Result<Merged> with(const SnapshotInfo& theirs) {
    RB_TRY(Snapshot snapshot, load_snapshot_object(objects, theirs));
    RB_TRY(const ObjectId root,
           merge_trees(objects, uploader, {.base = base.root, .head = snapshot.root, .own = own_root}));
    return Merged{root, std::move(snapshot.sources)};
  }

  // Where the head is damaged, the newest snapshot before it that can be read; without any, this run's own. A
  // damaged snapshot must not end the history: it stays in it, and is mended as far as anybody can.
  Result<Merged> with_newest_readable(const SnapshotInfo& head) {
    Result<Merged> merged = with(head);
    SnapshotInfo last = head;
    for (int tries = 0; !merged && merged.error().code == Errc::corrupt && tries < kMaxOlderTried; ++tries) {
      RB_TRY(const std::vector<SnapshotInfo> older,
             session.snapshots({.before_sequence = last.sequence, .limit = 1}));
      if (older.empty()) return Merged{own_root, {}};
      last = older.front();
      merged = with(last);
    }
    return merged;
  }
};

}  // namespace

std::vector<Source> merge_sources(std::vector<Source> before, const std::vector<Source>& run) {
  std::erase_if(before, [&](const Source& old) {
    return std::any_of(run.begin(), run.end(), [&](const Source& now) {
      return old.path == now.path || (now.recursive && lies_within(old.path, now.path));
    });
  });
  before.insert(before.end(), run.begin(), run.end());
  std::sort(before.begin(), before.end(), [](const Source& a, const Source& b) { return a.path < b.path; });
  // A list that long is no history of anything; the oldest runs give way.
  while (before.size() > kMaxSources) {
    before.erase(std::min_element(before.begin(), before.end(), [](const Source& a, const Source& b) {
      return a.completed < b.completed;
    }));
  }
  return before;
}

Result<Snapshot> load_snapshot_object(ObjectSource& objects, const SnapshotInfo& info) {
  RB_TRY(const auto object, objects.load(info.object));
  if (object->kind != ObjectKind::snapshot) return fail(Errc::corrupt, "a commit that names no snapshot");
  return decode_snapshot(object->refs, object->payload);
}

Result<Committed> commit_tree(Session& session, ObjectSource& objects, ObjectUploader& uploader,
                              const CommitBase& base, const ObjectId& own_root,
                              const std::vector<Source>& sources, const std::function<Snapshot()>& draft) {
  std::optional<SnapshotInfo> head = session.info().head;
  for (int round = 0; round < kMaxRounds; ++round) {
    ObjectId root = own_root;
    std::vector<Source> before = base.sources;
    const bool moved = head && head != base.head;
    if (moved) {
      // The merge reads what this run made, so that has to be there.
      RB_TRY(uploader.flush());
      MergeWork work{session, objects, uploader, base, own_root};
      RB_TRY(Merged merged, work.with_newest_readable(*head));
      root = merged.root;
      before = std::move(merged.sources);
    }
    Snapshot snapshot = draft();
    snapshot.root = root;
    snapshot.sources = merge_sources(std::move(before), sources);
    snapshot.merged = moved;
    RB_TRY(check_snapshot(snapshot));  // a user may have given more patterns than a snapshot holds
    RB_TRY(const ObjectId id, uploader.put(encode_snapshot(snapshot)));
    RB_TRY(uploader.flush());
    // From here on everything the snapshot names is durable.
    const std::optional<SnapshotId> expected = head ? std::optional(head->id) : std::nullopt;
    RB_TRY(const CommitResult result, session.commit({.snapshot = id, .expected_head = expected}));
    if (result.committed) {
      if (!result.head) return fail(Errc::protocol, "the store committed without saying what");
      return Committed{.info = *result.head, .merged = moved};
    }
    head = result.head;
  }
  return fail(Errc::conflict, "others commit to this node all the time; try again later");
}

}  // namespace rb
