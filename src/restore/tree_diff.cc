#include "restore/tree_diff.h"

#include "base/limits.h"
#include "restore/entry_walk.h"

namespace rb {
namespace {

bool is_tree(const std::optional<Entry>& entry) {
  return entry && entry->type == EntryType::directory && entry->content_kind == ContentKind::tree;
}

// Two directories side by side, from the top down with a stack of its own. Pages that both have are never
// loaded.
class TreeDiff {
 public:
  TreeDiff(ObjectSource& source, std::string path, const std::function<Status(const PathChange&)>& visit)
      : source_(source), path_(std::move(path)), visit_(visit) {}

  Status run(const std::optional<Entry>& before, const std::optional<Entry>& after) {
    RB_TRY(compare(path_, before, after));
    while (!levels_.empty())
      RB_TRY(step());
    return {};
  }

 private:
  struct Level {
    EntryWalk before, after;
    std::size_t path_length;  // of this directory's path
  };
  static constexpr std::size_t kLevelsWithPages = 32;

  Status compare(const std::string& path, const std::optional<Entry>& before,
                 const std::optional<Entry>& after) {
    if (!before && !after) return {};
    const bool changed = !before || !after || !same_apart_from_content(*before, *after);
    if (changed) RB_TRY(visit_({path, before, after}));
    const bool same_tree = is_tree(before) && is_tree(after) && before->content == after->content;
    if (same_tree || (!is_tree(before) && !is_tree(after))) return {};
    return enter(path, before, after);
  }

  Status enter(const std::string& path, const std::optional<Entry>& before,
               const std::optional<Entry>& after) {
    if (levels_.size() >= static_cast<std::size_t>(kMaxDirectoryDepth)) {
      return fail(Errc::unsupported, "directories are nested too deeply");
    }
    path_ = path;
    Level level{{}, {}, path.size()};
    if (is_tree(before)) level.before = EntryWalk(source_, before->content);
    if (is_tree(after)) level.after = EntryWalk(source_, after->content);
    levels_.push_back(std::move(level));
    if (levels_.size() > kLevelsWithPages) {
      Level& above = levels_[levels_.size() - kLevelsWithPages - 1];
      above.before.suspend();
      above.after.suspend();
    }
    return {};
  }

  Status leave() {
    levels_.pop_back();
    if (levels_.empty()) return {};
    path_.resize(levels_.back().path_length);
    RB_TRY(levels_.back().before.resume());
    return levels_.back().after.resume();
  }

  Status step() {
    Level& top = levels_.back();
    if (top.before.at_end() && top.after.at_end()) return leave();
    const auto before_page = top.before.page();
    const auto after_page = top.after.page();
    if (before_page && after_page && *before_page->id == *after_page->id) {
      top.before.skip();
      top.after.skip();
      return {};
    }
    // A page is opened only when it may hold the smaller name; where both may, the higher page first, since
    // it may hold the other one. A root page, of which nothing is known, comes before everything.
    const int order = compare_names(top.before, before_page, top.after, after_page);
    const bool open_before = before_page && order <= 0;
    const bool open_after = after_page && order >= 0;
    if (open_before && open_after) {
      return before_page->level >= after_page->level ? open(top.before) : open(top.after);
    }
    if (open_before) return open(top.before);
    if (open_after) return open(top.after);
    return report(top, order);
  }

  Status open(EntryWalk& walk) const {
    Status opened = walk.open_page();
    if (!opened) return std::unexpected(opened.error().with(path_));
    return {};
  }

  using Page = std::optional<EntryWalk::Page>;
  static int compare_names(EntryWalk& before, const Page& before_page, EntryWalk& after,
                           const Page& after_page) {
    if (before.at_end()) return 1;
    if (after.at_end()) return -1;
    const auto name = [](EntryWalk& walk, const Page& page) -> std::string_view {
      if (!page) return walk.entry().name;
      return page->first_name ? std::string_view(*page->first_name) : std::string_view();
    };
    return name(before, before_page).compare(name(after, after_page));
  }

  Status report(Level& top, int order) {
    std::optional<Entry> before, after;
    if (order <= 0) {
      before = top.before.entry();
      top.before.skip();
    }
    if (order >= 0) {
      after = top.after.entry();
      top.after.skip();
    }
    std::string path = path_;
    if (path.empty() || path.back() != '/') path += '/';
    path += before ? before->name : after->name;
    return compare(path, before, after);
  }

  ObjectSource& source_;
  std::string path_;  // of the directory at the top
  const std::function<Status(const PathChange&)>& visit_;
  std::vector<Level> levels_;
};

}  // namespace

bool same_apart_from_content(const Entry& before, const Entry& after) {
  if (before.type != after.type) return false;
  const bool directory = before.type == EntryType::directory;
  if (directory && (before.implied || after.implied)) return true;
  Entry a = before, b = after;
  for (Entry* entry : {&a, &b}) {
    entry->kept.reset();
    if (!directory) continue;
    entry->mtime = {};
    entry->content_kind = ContentKind::none;
    entry->content = {};
  }
  return a == b;
}

Status diff_entries(ObjectSource& source, const std::string& path, const std::optional<Entry>& before,
                    const std::optional<Entry>& after,
                    const std::function<Status(const PathChange&)>& visit) {
  return TreeDiff(source, path, visit).run(before, after);
}

Result<bool> entries_differ(ObjectSource& source, const std::optional<Entry>& before,
                            const std::optional<Entry>& after) {
  bool differ = false;
  const Status status = diff_entries(source, "/", before, after, [&](const PathChange&) -> Status {
    differ = true;
    return fail(Errc::cancelled, "one difference is enough");
  });
  if (!differ && !status) return std::unexpected(status.error());
  return differ;
}

}  // namespace rb
