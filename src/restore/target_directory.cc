#include "restore/target_directory.h"

#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/error.h"

namespace rb {
namespace {

// One component, checked by the caller. Without openat2 (Linux before 5.6, some containers) O_NOFOLLOW alone
// promises the same, since a single component other than ".." can't lead anywhere else.
int open_one(int parent, const char* name, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, parent, name, &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno == EINTR || errno == EAGAIN) continue;
    if (errno != ENOSYS && errno != EPERM) return -1;  // EPERM: what old container runtimes say to new calls
    return ::openat(parent, name, flags);
  }
}

}  // namespace

TargetDirectory::~TargetDirectory() {
  if (handles_ != nullptr) handles_->forget(*this);
  DirectoryRef up = std::move(parent);
  while (up && up.use_count() == 1) {
    DirectoryRef next = std::move(up->parent);
    up = std::move(next);
  }
}

std::string path_of(const TargetDirectory& directory) {
  std::vector<const std::string*> names;
  const TargetDirectory* at = &directory;
  for (; at->parent; at = at->parent.get())
    names.push_back(&at->name);
  std::string path = at->name;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (path.empty() || path.back() != '/') path += '/';
    path += **name;
  }
  return path;
}

std::string path_of(const TargetDirectory& directory, std::string_view name) {
  std::string path = path_of(directory);
  if (path.empty() || path.back() != '/') path += '/';
  return path.append(name);
}

Status check_target_name(std::string_view name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != name.npos ||
      name.find('\0') != name.npos) {
    return fail(Errc::corrupt, "the repository gives a name that no file can have");
  }
  return {};
}

Result<UniqueFd> open_beneath(int parent, const std::string& name) {
  RB_TRY(check_target_name(name));
  constexpr int kFlags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = open_one(parent, name.c_str(), kFlags | O_RDONLY);
  if (fd < 0 && errno == EACCES) fd = open_one(parent, name.c_str(), kFlags | O_PATH);
  if (fd >= 0) return UniqueFd(fd);
  if (errno == ELOOP)
    return fail(Errc::conflict, "a symbolic link stands where a directory should be", ELOOP);
  if (errno == ENOTDIR) {
    struct stat found {};
    const bool link =
        ::fstatat(parent, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(found.st_mode);
    return fail(Errc::conflict,
                fmt::format("a {} stands where a directory should be", link ? "symbolic link" : "file"),
                ENOTDIR);
  }
  return fail_errno("opening the directory", errno);
}

void DirectoryHandles::set_root(const TargetDirectory& root, UniqueFd fd) {
  root_ = &root;
  root_handle_ = std::make_shared<const UniqueFd>(std::move(fd));
}

DirectoryHandles::Handle DirectoryHandles::find_locked(const TargetDirectory& directory) {
  if (&directory == root_) return root_handle_;
  const auto found = items_.find(&directory);
  if (found == items_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found->second.used);
  return found->second.handle;
}

DirectoryHandles::Handle DirectoryHandles::adopt_locked(const TargetDirectory& directory, UniqueFd fd) {
  if (Handle found = find_locked(directory)) return found;
  while (items_.size() >= capacity_) {
    items_.erase(recent_.back());
    recent_.pop_back();
  }
  recent_.push_front(&directory);
  Item& item = items_[&directory];
  item.handle = std::make_shared<const UniqueFd>(std::move(fd));
  item.used = recent_.begin();
  return item.handle;
}

DirectoryHandles::Handle DirectoryHandles::adopt(const TargetDirectory& directory, UniqueFd fd) {
  const std::lock_guard lock(mutex_);
  return adopt_locked(directory, std::move(fd));
}

void DirectoryHandles::forget(const TargetDirectory& directory) {
  const std::lock_guard lock(mutex_);
  const auto found = items_.find(&directory);
  if (found == items_.end()) return;
  recent_.erase(found->second.used);
  items_.erase(found);
}

Result<DirectoryHandles::Handle> DirectoryHandles::open(const TargetDirectory& directory) {
  const std::lock_guard lock(mutex_);
  std::vector<const TargetDirectory*> closed;
  const TargetDirectory* at = &directory;
  Handle handle = find_locked(*at);
  while (!handle) {
    closed.push_back(at);
    at = at->parent.get();
    handle = find_locked(*at);
  }
  for (auto next = closed.rbegin(); next != closed.rend(); ++next) {
    RB_TRY(UniqueFd fd, open_beneath(handle->get(), (*next)->name));
    handle = adopt_locked(**next, std::move(fd));
  }
  return handle;
}

std::size_t raise_open_file_limit() {
  constexpr rlim_t kUseful = 16384;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  const rlim_t wanted = std::min(limit.rlim_max, std::max(limit.rlim_cur, kUseful));
  if (wanted > limit.rlim_cur) {
    const rlimit raised{wanted, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit.rlim_cur = wanted;
  }
  return static_cast<std::size_t>(std::min(limit.rlim_cur, kUseful));
}

}  // namespace rb
