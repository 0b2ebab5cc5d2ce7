#include "tree/root_tree.h"

#include <utility>

#include "base/limits.h"
#include "tree/directory_builder.h"
#include "tree/directory_cursor.h"
#include "tree/directory_edit.h"

namespace rb {
namespace {

std::optional<ObjectId> contents_of(const Entry& entry) {
  if (entry.content_kind != ContentKind::tree) return std::nullopt;
  return entry.content;
}

void set_contents(Entry& directory, const ObjectId& tree) {
  directory.content_kind = ContentKind::tree;
  directory.content = tree;
}

// The name of the entry at depth `depth` of the path: "/" has none.
std::string name_at(const PathComponents& path, std::size_t depth) {
  return depth == 0 ? std::string() : path[depth - 1];
}

Result<std::optional<Entry>> find_in(ObjectSource& source, const std::optional<ObjectId>& directory,
                                     std::string_view name) {
  if (!directory) return std::nullopt;
  return find_entry(source, *directory, name);
}

// What the ancestor at `depth` shall look like; `existing` is the directory there now, if any.
Result<Entry> ancestor_entry(const std::vector<Entry>& ancestors, std::size_t depth, std::string name,
                             std::optional<Entry> existing) {
  if (existing && (!existing->implied || depth >= ancestors.size())) return std::move(*existing);
  if (depth >= ancestors.size() || ancestors[depth].type != EntryType::directory) {
    return fail(Errc::invalid_argument, "an ancestor of the path is not described");
  }
  Entry entry = ancestors[depth];
  entry.name = std::move(name);
  entry.implied = true;
  entry.kept = std::nullopt;
  entry.content_kind = ContentKind::none;
  entry.content = ObjectId{};
  if (existing) {
    entry.kept = existing->kept;
    entry.content_kind = existing->content_kind;
    entry.content = existing->content;
    entry.unknown = std::move(existing->unknown);
  }
  return entry;
}

// What stands on the way to a path: the directories that are its ancestors, from "/" down to the parent, and
// what each level is looked up in, the root page first.
struct Way {
  std::vector<std::optional<Entry>> ancestors;
  std::vector<std::optional<ObjectId>> directories;
};

Result<Way> find_way(ObjectSource& source, const std::optional<ObjectId>& root_page,
                     const PathComponents& path) {
  Way way;
  way.directories.push_back(root_page);
  for (std::size_t depth = 0; depth < path.size(); ++depth) {
    RB_TRY(std::optional<Entry> found, find_in(source, way.directories.back(), name_at(path, depth)));
    if (found && found->type != EntryType::directory) found.reset();
    way.directories.push_back(found ? contents_of(*found) : std::nullopt);
    way.ancestors.push_back(std::move(found));
  }
  return way;
}

// Marks every entry of a directory but one, where it has no mark of its own.
Result<ObjectId> mark_all_but(ObjectSource& source, ObjectSink& sink, const ObjectId& directory,
                              const std::string& exception, const Kept& mark) {
  DirectoryCursor cursor(source, directory);
  DirectoryBuilder builder(sink);
  for (;;) {
    RB_TRY(const Entry* entry, cursor.current());
    if (entry == nullptr) return builder.finish();
    Entry copy = *entry;
    if (!copy.kept && copy.name != exception) copy.kept = mark;
    RB_TRY(builder.add(std::move(copy)));
    RB_TRY(cursor.next());
  }
}

// A run saw something beneath an ancestor that is marked as carried over. The mark speaks of all beneath it,
// and now would speak of that too (and `restore --exact` leave it out); so it goes to what stands beside the
// way.
Status move_mark_aside(ObjectSource& source, ObjectSink& sink, const PathComponents& path, Way& way) {
  std::optional<Kept> mark;
  for (std::size_t depth = 0; depth < way.ancestors.size(); ++depth) {
    std::optional<Entry>& ancestor = way.ancestors[depth];
    if (!ancestor) return {};
    if (ancestor->kept) mark = std::exchange(ancestor->kept, std::nullopt);
    std::optional<ObjectId>& directory = way.directories[depth + 1];
    if (!mark || !directory) continue;
    RB_TRY(directory, mark_all_but(source, sink, *directory, name_at(path, depth + 1), *mark));
  }
  return {};
}

}  // namespace

Result<PathComponents> split_path(std::string_view path) {
  if (path.empty() || path.front() != '/') return fail(Errc::invalid_argument, "not an absolute path");
  PathComponents components;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view name = path.substr(0, path.find('/'));
    if (name == "." || name == "..") return fail(Errc::invalid_argument, "a path with \".\" or \"..\" in it");
    if (name.find('\0') != std::string_view::npos)
      return fail(Errc::invalid_argument, "a path with a NUL in it");
    if (!name.empty()) components.emplace_back(name);
    path.remove_prefix(name.size());
  }
  return components;
}

std::string join_path(const PathComponents& components) {
  if (components.empty()) return "/";
  std::string path;
  for (const std::string& name : components)
    path.append("/").append(name);
  return path;
}

Result<std::optional<Entry>> find_path(ObjectSource& source, const ObjectId& root_page,
                                       const PathComponents& path) {
  std::optional<ObjectId> directory = root_page;
  std::optional<Entry> entry;
  for (std::size_t depth = 0; depth <= path.size(); ++depth) {
    RB_TRY(entry, find_in(source, directory, name_at(path, depth)));
    if (!entry) return std::nullopt;
    directory = contents_of(*entry);
  }
  return entry;
}

Result<ObjectId> splice_path(ObjectSource& source, ObjectSink& sink, const std::optional<ObjectId>& root_page,
                             const PathComponents& path, const std::vector<Entry>& ancestors,
                             std::optional<Entry> entry) {
  if (path.size() > kMaxDirectoryDepth)
    return fail(Errc::invalid_argument, "a path with too many components");
  RB_TRY(Way way, find_way(source, root_page, path));
  if (!entry) {
    RB_TRY(const std::optional<Entry> target,
           find_in(source, way.directories.back(), name_at(path, path.size())));
    if (!target) return edit_directory(source, sink, root_page, {});
  } else if (!entry->kept) {
    RB_TRY(move_mark_aside(source, sink, path, way));
  }
  // Upwards: each directory with what changed in it.
  for (std::size_t depth = path.size();; --depth) {
    const std::string name = name_at(path, depth);
    if (entry) entry->name = name;
    RB_TRY(const ObjectId changed, edit_directory(source, sink, way.directories[depth], {{name, entry}}));
    if (depth == 0) return changed;
    RB_TRY(Entry parent, ancestor_entry(ancestors, depth - 1, name_at(path, depth - 1),
                                        std::move(way.ancestors[depth - 1])));
    set_contents(parent, changed);
    entry = std::move(parent);
  }
}

}  // namespace rb
