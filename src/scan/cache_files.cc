#include "scan/cache_files.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/random.h"
#include "scan/cache_format.h"

namespace rb {

namespace {

constexpr std::string_view kCheckpointSuffix = ".checkpoint";

bool is_locked(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return fd && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0;
}

// Whoever found the file without a lock just after it was made may have removed it before ours was in place.
bool lock_new_file(int fd) {
  while (::flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR)
      return true;  // no locks on this file system: two runs at once may then lose a checkpoint
  }
  struct stat st;
  return ::fstat(fd, &st) == 0 && st.st_nlink > 0;
}

}  // namespace

Status make_cache_directory(const std::string& path) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at < path.size() && path[at] != '/') continue;
    if (::mkdir(path.substr(0, at).c_str(), 0700) != 0 && errno != EEXIST) {
      const int error = errno;
      struct stat st;
      if (::stat(path.substr(0, at).c_str(), &st) == 0 && S_ISDIR(st.st_mode))
        continue;  // "/" read-only, say
      return fail_errno(fmt::format("creating {}", path.substr(0, at)), error);
    }
  }
  return {};
}

CacheFiles::CacheFiles(std::string directory, const CacheKey& key)
    : directory_(std::move(directory)),
      key_(cache_key_digest(key)),
      prefix_(to_hex(key_.view().first(16))),
      finished_(fmt::format("{}/{}.cache", directory_, prefix_)) {}

std::vector<std::string> CacheFiles::dead_checkpoints() const {
  struct Found {
    std::string path;
    Timestamp written;
  };
  std::vector<Found> found;
  const Result<OpenDirectory> dir = OpenDirectory::open(AT_FDCWD, directory_.c_str());
  if (!dir) return {};
  const Result<NameList> names = dir->list();
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    const std::string_view name = names->name(i);
    if (!name.starts_with(prefix_) || !name.ends_with(kCheckpointSuffix)) continue;
    const Result<FileStat> stat = dir->stat(names->c_str(i));
    std::string path = fmt::format("{}/{}", directory_, name);
    if (!stat || stat->type != EntryType::file || is_locked(path)) continue;
    found.push_back({std::move(path), stat->mtime});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.written > b.written; });
  std::vector<std::string> out;
  out.reserve(found.size());
  for (Found& f : found)
    out.push_back(std::move(f.path));
  return out;
}

void CacheFiles::remove_dead_checkpoints(std::size_t keep) const {
  const std::vector<std::string> dead = dead_checkpoints();
  for (std::size_t i = keep; i < dead.size(); ++i) {
    const UniqueFd fd(::open(dead[i].c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(dead[i].c_str());
  }
}

Result<CacheFiles::NewFile> CacheFiles::create_checkpoint() const {
  RB_TRY(make_cache_directory(directory_));
  for (;;) {
    std::array<std::uint8_t, 6> random;
    fill_random(random);
    NewFile out;
    out.path = fmt::format("{}/{}.{}{}", directory_, prefix_, to_hex(random), kCheckpointSuffix);
    out.fd = UniqueFd(::open(out.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!out.fd && errno == EEXIST) continue;
    if (!out.fd) return fail_errno(fmt::format("creating {}", out.path), errno);
    if (lock_new_file(out.fd.get())) return out;
  }
}

}  // namespace rb
