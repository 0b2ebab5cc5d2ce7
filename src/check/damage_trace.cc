// From damaged objects up to the snapshots that need them, and down again to the paths: up over numbers, in
// passes over the rows of children; down only where something damaged lies beneath.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "base/limits.h"
#include "check/damage.h"
#include "check/stored_objects.h"
#include "format/chunk_list.h"
#include "format/tree_page.h"
#include "tree/directory_cursor.h"

namespace rb {

namespace {

constexpr std::size_t kFilesMax = 5;         // named for each object
constexpr std::size_t kObjectsMax = 10'000;  // traced: more than these, and the disk is gone anyway
constexpr std::size_t kLoadsMax = 200'000;   // pages read for one trace
constexpr int kPassesMax = 400;              // levels of directories and pages above an object

// What is damaged, and what has something damaged beneath it.
class Taint {
 public:
  explicit Taint(const std::vector<LocatedRow>& lost) {
    for (const LocatedRow& row : lost) {
      if (damaged_.size() >= kObjectsMax) break;
      damaged_.insert(row.row.number);
      tainted_.insert(row.row.number);
    }
  }

  Status spread(RepositoryCore& core, const Pace& pace) {
    for (int pass = 0; pass < kPassesMax; ++pass) {
      RB_TRY(const bool changed, spread_once(core, pace));
      if (!changed) return {};
    }
    return {};
  }

  bool damaged(ObjectNumber number) const { return damaged_.contains(number); }
  bool tainted(ObjectNumber number) const { return tainted_.contains(number); }

 private:
  Result<bool> spread_once(RepositoryCore& core, const Pace& pace) {
    bool changed = false;
    RB_TRY(visit_children(core, pace, UINT64_MAX, [&](ObjectNumber number, const auto& children) -> Status {
      if (tainted_.contains(number)) return {};
      const bool is_tainted = std::any_of(children.begin(), children.end(),
                                          [&](ObjectNumber child) { return tainted_.contains(child); });
      if (is_tainted) changed = tainted_.insert(number).second || changed;
      return {};
    }));
    return changed;
  }

  std::unordered_set<ObjectNumber> damaged_, tainted_;
};

// Walks one snapshot down to what is damaged. No recursion: directories may be deep.
class Descent {
 public:
  Descent(RepositoryCore& core, const Taint& taint, std::size_t& loads, DamageTrace& found)
      : core_(core), taint_(taint), loads_(loads), found_(found) {}

  void walk(const CatalogCommit& commit, const std::string& label) {
    const StoredObjects objects(core_, commit.domain);
    objects_.emplace(objects);
    domain_ = commit.domain;
    label_ = label;
    open({Step{commit.snapshot.object, "", {}}});
    while (!steps_.empty() && loads_ < kLoadsMax) {
      const Step step = std::move(steps_.back());
      steps_.pop_back();
      expand(step);
    }
    steps_.clear();
  }

 private:
  struct Step {
    ObjectId id;
    std::string path;
    std::optional<std::uint64_t> length;  // of its payload, where it is a chunk
  };

  // Notes what is damaged, and keeps what has damage beneath.
  void open(std::vector<Step> candidates) {
    std::vector<ObjectId> ids;
    ids.reserve(candidates.size());
    for (const Step& step : candidates)
      ids.push_back(step.id);
    const auto answer = core_.index().find(domain_, ids);
    if (!answer) return;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (!answer->found[i]) continue;
      const ObjectNumber number = answer->found[i]->row.number;
      if (taint_.damaged(number)) {
        note(number, candidates[i]);
      } else if (taint_.tainted(number)) {
        steps_.push_back(std::move(candidates[i]));
      }
    }
  }

  void note(ObjectNumber number, const Step& step) {
    std::vector<std::string>& files = found_.files[number];
    if (files.size() < kFilesMax)
      files.push_back(fmt::format("{} {}", label_, step.path.empty() ? "/ and all beneath it" : step.path));
    if (step.length && *step.length <= kMaxChunkBytes)
      found_.lengths[number] = static_cast<std::uint32_t>(*step.length);
  }

  void expand(const Step& step) {
    ++loads_;
    const auto object = objects_->load(step.id);
    if (!object) return;
    std::vector<Step> next;
    switch ((*object)->kind) {
      case ObjectKind::tree:
        if (const auto page = decode_tree_page((*object)->refs, (*object)->payload))
          steps_of(*page, step.path, next);
        break;
      case ObjectKind::chunk_list:
        if (const auto page = decode_chunk_list((*object)->refs, (*object)->payload))
          steps_of(*page, step.path, next);
        break;
      case ObjectKind::snapshot:
        for (const ObjectId& ref : (*object)->refs)
          next.push_back({ref, step.path, {}});
        break;
      case ObjectKind::chunk:
        break;
    }
    open(std::move(next));
  }

  static void steps_of(const ChunkListPage& page, const std::string& path, std::vector<Step>& next) {
    for (const ChunkListItem& item : page.items) {
      if (item.id)
        next.push_back({*item.id, path, page.level == 0 ? std::optional(item.length) : std::nullopt});
    }
  }

  static void steps_of(const TreePage& page, const std::string& path, std::vector<Step>& next) {
    for (const PageChild& child : page.children)
      next.push_back({child.id, path, {}});
    for (const Entry& entry : page.entries) {
      // The root page of a snapshot has one entry, "/", whose name is empty.
      const std::string here = entry.name.empty() ? "" : path + "/" + entry.name;
      const bool has_content = entry.content_kind == ContentKind::chunk ||
                               entry.content_kind == ContentKind::chunk_list ||
                               entry.content_kind == ContentKind::tree;
      const bool is_chunk = entry.content_kind == ContentKind::chunk;
      if (has_content)
        next.push_back({entry.content, here, is_chunk ? std::optional(entry.size) : std::nullopt});
      for (const Xattr& xattr : entry.xattrs) {
        if (xattr.chunk) next.push_back({*xattr.chunk, here, {}});
      }
    }
  }

  RepositoryCore& core_;
  const Taint& taint_;
  std::size_t& loads_;
  DamageTrace& found_;
  std::optional<StoredObjects> objects_;
  std::uint32_t domain_ = 0;
  std::string label_;
  std::vector<Step> steps_;
};

Status trace(RepositoryCore& core, const std::vector<LocatedRow>& lost, const Pace& pace,
             DamageTrace& found) {
  Taint taint(lost);
  RB_TRY(taint.spread(core, pace));
  std::map<std::uint32_t, std::string> names;
  for (const NodeBook::Member& member : core.book().members())
    names[member.record.node] = member.record.name;
  std::vector<CatalogCommit> commits;
  RB_TRY(core.catalog().visit_commits([&](const CatalogCommit& commit) -> Status {
    commits.push_back(commit);
    return {};
  }));
  std::sort(commits.begin(), commits.end(), [](const CatalogCommit& a, const CatalogCommit& b) {
    return a.snapshot.received > b.snapshot.received;
  });
  std::size_t loads = 0;
  Descent descent(core, taint, loads, found);
  for (const CatalogCommit& commit : commits) {
    RB_TRY(pace.check());
    if (loads >= kLoadsMax) break;
    const std::string& name = names[commit.node];
    descent.walk(commit, fmt::format("{} {}", name.empty() ? fmt::format("node {}", commit.node) : name,
                                     to_hex(commit.snapshot.id).substr(0, 8)));
  }
  return {};
}

}  // namespace

DamageTrace trace_damage(RepositoryCore& core, const std::vector<LocatedRow>& lost, const Pace& pace) {
  DamageTrace found;
  if (!lost.empty()) static_cast<void>(trace(core, lost, pace, found));
  return found;
}

}  // namespace rb
