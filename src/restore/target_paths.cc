#include "restore/target_paths.h"

#include <algorithm>
#include <memory>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "tree/directory_cursor.h"

namespace rb {
namespace {

bool includes(const PathComponents& outer, const PathComponents& inner) {
  return outer.size() <= inner.size() && std::equal(outer.begin(), outer.end(), inner.begin());
}

Status check_collisions(const std::vector<PathComponents>& paths) {
  std::set<std::string> names;
  for (const PathComponents& path : paths) {
    if (path.empty() && paths.size() > 1) {
      return fail(Errc::invalid_argument,
                  "/ becomes the target itself, so nothing else can be restored there with it");
    }
    if (!path.empty() && !names.insert(path.back()).second) {
      return fail(
          Errc::invalid_argument,
          fmt::format("two paths would both be restored as \"{}\": restore them one at a time", path.back()));
    }
  }
  return {};
}

Status make_directories(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0777) != 0 && errno != EEXIST) return fail_errno("creating " + part, errno);
    if (end == path.npos) return {};
  }
}

bool is_empty(int fd) {
  const int copy = ::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return false;
  DIR* const stream = ::fdopendir(copy);
  if (stream == nullptr) return ::close(copy), false;
  const std::unique_ptr<DIR, int (*)(DIR*)> closing(stream, ::closedir);
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return false;
  }
  return true;
}

}  // namespace

Result<std::vector<PathComponents>> plan_paths(const std::vector<std::string>& paths, bool to_directory) {
  if (paths.empty()) return fail(Errc::invalid_argument, "nothing was named to be restored");
  std::vector<PathComponents> planned;
  for (const std::string& path : paths) {
    RB_TRY(PathComponents components, split_path(path));
    const auto same = [&](const PathComponents& other) {
      return to_directory ? other == components : includes(other, components);
    };
    if (std::any_of(planned.begin(), planned.end(), same)) continue;
    if (!to_directory)
      std::erase_if(planned, [&](const PathComponents& other) { return includes(components, other); });
    planned.push_back(std::move(components));
  }
  if (to_directory) RB_TRY(check_collisions(planned));
  return planned;
}

Result<std::vector<Entry>> load_path_chain(ObjectSource& source, const ObjectId& root_page,
                                           const PathComponents& path) {
  RB_TRY(std::optional<Entry> entry, find_path(source, root_page, {}));
  if (!entry) return fail(Errc::not_found, "the snapshot is empty");
  std::vector<Entry> chain{std::move(*entry)};
  for (const std::string& name : path) {
    const Entry& parent = chain.back();
    std::optional<Entry> found;
    if (parent.type == EntryType::directory && parent.content_kind == ContentKind::tree) {
      RB_TRY(found, find_entry(source, parent.content, name));
    }
    if (!found) return fail(Errc::not_found, "there is no such path in this snapshot");
    chain.push_back(std::move(*found));
  }
  return chain;
}

Result<OpenedTarget> open_target(const std::string& to_directory) {
  OpenedTarget target;
  target.name = to_directory.empty() ? "/" : to_directory;
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  int fd = ::open(target.name.c_str(), kFlags);
  if (fd < 0 && errno == ENOENT) {
    RB_TRY(make_directories(target.name));
    fd = ::open(target.name.c_str(), kFlags);
  }
  if (fd < 0) return fail_errno("opening the target " + target.name, errno);
  target.fd.reset(fd);
  struct stat found {};
  if (::fstat(fd, &found) != 0) return fail_errno("examining the target " + target.name, errno);
  target.inherits_group = found.st_gid != ::getegid() || (found.st_mode & S_ISGID) != 0;
  target.was_empty = !to_directory.empty() && is_empty(fd);
  return target;
}

}  // namespace rb
