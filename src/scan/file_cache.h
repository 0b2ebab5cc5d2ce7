// The client's memory of what it saw: for each directory, in name order, what each file looked like and which
// tree page says what it became. One file per (repository, node, root path); a cache that is missing, damaged
// or of another repository is no cache. Never believed about what the store holds: tree ids are confirmed by
// the store.
//
// The file is an append-only log of checksummed frames, so that a run that was killed leaves all it finished
// to the next:
//   page frame       the directory's key, a signature per entry, some leaves of its tree as they were stored
//   directory frame  the directory's key, its tree id, the places of its page frames, all page ids of the
//   tree index, footer    where each directory frame stands; written last. Without them the log is a
//   checkpoint.
// scan/cache_format.h has the bytes. Nothing is synced: what a power cut spoils is noticed and costs time,
// not data. The layout is the client's own and may change with any version.
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
  // False where the ctime was not older, by more than the clock's granularity, than the coarse clock just
  // before the content was read: a change within the same tick could not be seen, so the file is read again
  // next time.
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

// A leaf of the tree as the cache remembers it.
struct CachedPage {
  ObjectId id;
  std::vector<CachedRow> rows;  // of its entries
  bool last = false;            // of its directory
  ByteView row_bytes, object;   // rows and page as the file has them
};

// A directory of the cache. Reads its frames one after the other; holds one at a time.
class CachedDirectory {
 public:
  virtual ~CachedDirectory() = default;
  // The tree this directory became, nothing when the run was cut before the directory was complete, or when
  // rows can't be read any longer.
  virtual std::optional<ObjectId> tree() const = 0;
  // Some of it was seen by a run that was cut, so FileCache::root_tree() says nothing about it.
  virtual bool from_checkpoint() const = 0;
  // Ids of all pages of that tree, leaves and inner, for telling new pages from old. Empty without a tree.
  virtual const std::vector<ObjectId>& page_ids() const = 0;
  // Rows in name order; nullptr at the end. A row is valid until the next call.
  virtual const CachedRow* current() = 0;
  virtual void next() = 0;
  virtual void rewind() = 0;
  // The full entry of the current row: what the file became. Decodes the page at the first call in a page.
  // Valid until next() leaves the page. An error (damage) means that nothing is known about this entry.
  // Requires: current() != nullptr.
  virtual Result<const Entry*> entry() = 0;
  // The leaf whose first entry is the current row; nothing where none begins, or none is known whole. Valid
  // until the next call that moves. An error as with entry().
  virtual Result<const CachedPage*> page() = 0;
  // Goes to the row after that leaf. Requires: page() gave it just now.
  virtual void skip_page() = 0;
};

class FileCache {
 public:
  virtual ~FileCache() = default;
  // The root tree that the cache was made from, when it is complete: SessionInfo::cache_holds is asked about
  // it.
  virtual std::optional<ObjectId> root_tree() const = 0;
  // The directory at this absolute path, or nullptr. May be called from several threads; what it gives
  // belongs to one, and may outlive the cache.
  virtual std::unique_ptr<CachedDirectory> find(std::string_view path) const = 0;
};

// Makes the directory and its parents where they are missing (0700). A run does so before it walks, so that
// it knows its own cache when it meets it.
Status make_cache_directory(const std::string& path);

// Opens the cache for `key` in `cache_directory`, joined with the checkpoint that a cut run left, whose
// directories come first. A root without a cache uses an enclosing one's (root_tree() is then that of the
// enclosing root). Never fails: a cache that can't be read is empty.
std::unique_ptr<FileCache> open_file_cache(const std::string& cache_directory, const CacheKey& key);

// Writes a new cache beside the old one. Thread-safe: several directories may be under way at the same time.
// Errors (disk full) turn it off; finish() then tells, and the old cache stays. Never fails a backup.
// Destroyed without finish(), it leaves a checkpoint.
class FileCacheWriter {
 public:
  virtual ~FileCacheWriter() = default;
  // A directory under way; not thread-safe itself.
  class Directory {
   public:
    virtual ~Directory() = default;  // without close(): its whole pages are a checkpoint
    // What a file looked like whose entry goes into the page under way. In name order.
    virtual void add_row(std::string_view name, EntryType type, const Signature& signature) = 0;
    // The rows that were added since the page before are those of this leaf of the tree.
    virtual void close_page(const ObjectId& id, const Object& leaf) = 0;
    // A leaf that another cache has, with its rows. Requires: no page is under way.
    virtual void add_page(const CachedPage& page) = 0;
    // Somebody called flush(): it is time for checkpoint().
    virtual bool wants_checkpoint() const = 0;
    // Brings what was added to the file. `open`: the entries of the page under way.
    virtual void checkpoint(const TreePage& open) = 0;
    // Requires: no page is under way.
    virtual void close(const ObjectId& tree, const std::vector<ObjectId>& page_ids) = 0;
  };
  virtual std::unique_ptr<Directory> begin_directory(std::string_view path) = 0;
  // Copies a directory, and all beneath it, from the old cache without looking at each entry. Directories
  // that this cache has already stay as they are, with all beneath them: carrying over children first and the
  // parent when it turns out to be unchanged too copies each once.
  virtual void carry_over(const FileCache& old, std::string_view path) = 0;
  // A checkpoint reaches the file (not the disk): all that was closed, and what each directory under way has
  // once it is asked for it (Directory::wants_checkpoint).
  virtual void flush() = 0;
  // Swaps the new cache in, atomically. `root_tree` is the tree at the key's root path as committed. What is
  // added afterwards is lost.
  virtual Status finish(const ObjectId& root_tree) = 0;
};
std::unique_ptr<FileCacheWriter> create_file_cache(const std::string& cache_directory, const CacheKey& key);

}  // namespace rb
