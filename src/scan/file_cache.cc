#include "scan/file_cache.h"

#include "scan/cache_files.h"
#include "scan/joined_cache.h"

namespace rb {

namespace {

// Adds what the key's own root left; says whether a finished cache was among it.
bool add_logs(const std::string& directory, const CacheKey& key, CacheLogs& logs) {
  const CacheFiles files(directory, key);
  for (const std::string& path : files.dead_checkpoints()) {
    if (auto log = CacheLogReader::open(path, files.key())) logs.push_back(std::move(log));
  }
  auto finished = CacheLogReader::open(files.finished(), files.key());
  if (!finished || finished->is_checkpoint())
    return false;  // cut short after it was finished: not to be trusted
  logs.push_back(std::move(finished));
  return true;
}

// "/home/ana" -> "/home" -> "" (the root). False when there is nothing above.
bool go_up(std::string& path) {
  while (path.ends_with('/'))
    path.pop_back();
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return false;
  path.resize(slash);
  return true;
}

}  // namespace

Signature signature_of(const FileStat& stat, bool trusted) {
  return {
      .size = stat.size, .inode = stat.inode, .mtime = stat.mtime, .ctime = stat.ctime, .trusted = trusted};
}

bool looks_unchanged(const Signature& cached, const FileStat& now) {
  return cached.trusted && cached.size == now.size && cached.inode == now.inode &&
         cached.mtime == now.mtime && cached.ctime == now.ctime;
}

std::unique_ptr<FileCache> open_file_cache(const std::string& cache_directory, const CacheKey& key) {
  CacheLogs logs;
  CacheKey at = key;
  while (!add_logs(cache_directory, at, logs) && go_up(at.root_path))
    continue;
  return std::make_unique<JoinedCache>(std::move(logs));
}

}  // namespace rb
