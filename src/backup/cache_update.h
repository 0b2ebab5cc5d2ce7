// The cache of one source as a run renews it: the old one to look things up in, and the new one, which is not
// begun before something differs from the old. A run that changes nothing writes nothing. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "scan/file_cache.h"

namespace rb {

// What a run does with the cache: a dry run only reads it; one that found it damaged only writes it anew.
struct CacheUse {
  bool read = true;
  bool write = true;
};

class CacheUpdate {
 public:
  // Without a cache directory there is no cache, and nothing is written.
  CacheUpdate(const std::string& cache_directory, CacheUse use, CacheKey key);

  // Nothing when there is no cache.
  const FileCache* old() const { return old_.get(); }
  const CacheKey& key() const { return key_; }

  // nullptr when no cache is wanted.
  std::unique_ptr<FileCacheWriter::Directory> begin_directory(std::string_view path);
  // The directory and all beneath it stay as the old cache has them.
  void carry_over(std::string_view path);
  // From time to time: what was finished reaches the file, for the next run if this one is cut.
  void checkpoint_now_and_then();
  void checkpoint();

  // The tree was committed. `clean`: every directory is as the old cache has it, so that it may stay if it
  // was made from this very root. A cache that can't be written is no failure of a backup: tells what
  // happened.
  Status finish(const ObjectId& root_tree, bool clean);

 private:
  FileCacheWriter* writer();

  const std::string directory_;  // empty: nothing is written
  const CacheKey key_;
  std::unique_ptr<FileCache> old_;
  std::mutex mutex_;
  std::unique_ptr<FileCacheWriter> writer_;
  std::atomic<std::chrono::steady_clock::rep> next_checkpoint_;
};

}  // namespace rb
