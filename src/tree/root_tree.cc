#include "tree/root_tree.h"

#include "base/limits.h"
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
  // Downwards: the directories on the way, as they are now.
  std::vector<std::optional<ObjectId>> directories = {root_page};
  std::vector<std::optional<Entry>> existing;
  for (std::size_t depth = 0; depth < path.size(); ++depth) {
    RB_TRY(std::optional<Entry> found, find_in(source, directories.back(), name_at(path, depth)));
    if (found && found->type != EntryType::directory) found.reset();
    directories.push_back(found ? contents_of(*found) : std::nullopt);
    existing.push_back(std::move(found));
  }
  if (!entry) {
    RB_TRY(const std::optional<Entry> target,
           find_in(source, directories.back(), name_at(path, path.size())));
    if (!target) return edit_directory(source, sink, root_page, {});
  }
  // Upwards: each directory with what changed in it.
  for (std::size_t depth = path.size();; --depth) {
    const std::string name = name_at(path, depth);
    if (entry) entry->name = name;
    RB_TRY(const ObjectId changed, edit_directory(source, sink, directories[depth], {{name, entry}}));
    if (depth == 0) return changed;
    RB_TRY(Entry parent,
           ancestor_entry(ancestors, depth - 1, name_at(path, depth - 1), std::move(existing[depth - 1])));
    set_contents(parent, changed);
    entry = std::move(parent);
  }
}

}  // namespace rb
