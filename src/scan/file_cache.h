// The client's memory of what it saw: for each directory, in name order, what each file looked like and which tree page
// says what it became. One file per (repository, node, root path); a cache that is missing, damaged or of another
// repository is no cache. Never believed about what the store holds: tree ids are confirmed by the store.
//
// The file is an append-only log of checksummed frames, so that a run that was killed leaves all it finished to the next:
//   page frame       the directory's key, one leaf tree page (refs and payload), and a signature per entry
//   directory frame  the directory's key and path, its tree id, the places of its page frames, of its subdirectories'
//                    directory frames, all page ids of the tree
//   footer           the place of the root's directory frame; written last. Without it the log is a checkpoint.
// The layout is the client's own and may change with any version.
#pragma once

#include <memory>
#include <string>

#include "format/tree_page.h"
#include "scan/directory.h"

namespace rb {

// What a file looked like when its entry was made.
struct Signature {
  std::uint64_t size = 0, inode = 0;
  Timestamp mtime, ctime;
  // False where the ctime was not older, by more than the clock's granularity, than the coarse clock just before the
  // content was read: a change within the same tick could not be seen, so the file is read again next time.
  bool trusted = false;
  bool operator==(const Signature&) const = default;
};
Signature signature_of(const FileStat& stat, bool trusted);
// Size, inode, mtime and ctime agree, and it is trusted.
bool looks_unchanged(const Signature& cached, const FileStat& now);

struct CacheKey {
  RepositoryId repository;
  std::string node;
  std::string root_path;  // absolute
};

// One entry as the cache remembers it, without decoding its page.
struct CachedRow {
  std::string_view name;
  EntryType type = EntryType::file;
  Signature signature;
};

// A directory of the cache. Reads its frames one after the other; holds one at a time.
class CachedDirectory {
 public:
  virtual ~CachedDirectory() = default;
  // The tree this directory became, nothing when the run was cut before the directory was complete.
  virtual std::optional<ObjectId> tree() const = 0;
  // Ids of all pages of that tree, leaves and inner, for telling new pages from old.
  virtual const std::vector<ObjectId>& page_ids() const = 0;
  // Rows in name order; nullptr at the end. A row is valid until the next call.
  virtual const CachedRow* current() = 0;
  virtual void next() = 0;
  virtual void rewind() = 0;
  // The full entry of the current row: what the file became. Decodes the page at the first call in a page.
  virtual Result<const Entry*> entry() = 0;
};

class FileCache {
 public:
  virtual ~FileCache() = default;
  // The root tree that the cache was made from, when it is complete: SessionInfo::cache_holds is asked about it.
  virtual std::optional<ObjectId> root_tree() const = 0;
  // The directory at this absolute path, or nullptr. May be called from several threads.
  virtual std::unique_ptr<CachedDirectory> find(std::string_view path) const = 0;
};

// Opens the cache for `key` in `cache_directory`, joined with the checkpoint that a cut run left, whose directories come
// first. A root without a cache uses an enclosing one's. Never fails: a cache that can't be read is empty.
std::unique_ptr<FileCache> open_file_cache(const std::string& cache_directory, const CacheKey& key);

// Writes a new cache beside the old one. Thread-safe: several directories may be under way at the same time. Errors
// (disk full) turn it off; finish() then tells, and the old cache stays. Never fails a backup.
class FileCacheWriter {
 public:
  virtual ~FileCacheWriter() = default;
  // A directory under way; not thread-safe itself.
  class Directory {
   public:
    virtual ~Directory() = default;  // without close(): what was added is a checkpoint
    // In name order. `child` as added to the tree.
    virtual void add(const Entry& entry, const Signature& signature) = 0;
    virtual void close(const ObjectId& tree, const std::vector<ObjectId>& page_ids) = 0;
  };
  virtual std::unique_ptr<Directory> begin_directory(std::string_view path) = 0;
  // Copies a directory, and all beneath it, from the old cache without looking at each entry.
  virtual void carry_over(const FileCache& old, std::string_view path) = 0;
  // A checkpoint reaches the file (not the disk).
  virtual void flush() = 0;
  // Swaps the new cache in, atomically. `root_tree` is the tree at the key's root path as committed.
  virtual Status finish(const ObjectId& root_tree) = 0;
};
std::unique_ptr<FileCacheWriter> create_file_cache(const std::string& cache_directory, const CacheKey& key);

}  // namespace rb
