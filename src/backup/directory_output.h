// What one directory becomes: its tree and its part of the new cache. Where the copy has the very tree that
// the cache remembers, that is edited: only what differs is told, pages between are taken over whole, and as
// long as nothing differs nothing is built at all. Not thread-safe.
#pragma once

#include <unordered_set>

#include "backup/walk_context.h"
#include "tree/directory_builder.h"

namespace rb {

class DirectoryOutput {
 public:
  // `edits`: the copy has the cache's tree, so that this is edited. `held`: the store holds the cached tree,
  // so that its pages need no question. `cached` may be nothing.
  DirectoryOutput(WalkContext& context, const std::string& path, const CachedDirectory* cached, bool held,
                  bool edits);
  // What was added since the last checkpoint goes into one, if it was not finished.
  ~DirectoryOutput();
  DirectoryOutput(const DirectoryOutput&) = delete;
  DirectoryOutput& operator=(const DirectoryOutput&) = delete;

  // Whether entries that are as the cache has them stay without being added.
  bool edits() const { return edits_; }

  // The name is greater than all before, of either function.
  Status add(Entry entry, const Signature& signature);
  // Requires: edits().
  Status remove(std::string_view name);

  struct Finished {
    ObjectId tree;
    bool clean = false;  // nothing was built: the old cache's directory stands
  };
  Result<Finished> finish();

 private:
  // Keeps pages that the store has already from the uploader, and brings leaves to the cache.
  class Pages final : public ObjectSink {
   public:
    explicit Pages(ObjectSink& next) : next_(next) {}
    Status put_named(const ObjectId& id, Object object) override;

    std::unordered_set<ObjectId> held;
    std::vector<ObjectId> all;
    FileCacheWriter::Directory* cache = nullptr;

   private:
    ObjectSink& next_;
  };

  Status begin();
  Status append(Entry entry, const Signature& signature);
  // Brings what the cache has up to this name, or to its end, and passes by the name itself.
  Status copy_up_to(std::optional<std::string_view> name);
  Result<bool> copy_page(std::optional<std::string_view> end);
  Status copy_row();
  void carry_over(std::string_view name, EntryType type);

  WalkContext& context_;
  const std::string& path_;
  const bool edits_;
  std::optional<ObjectId> cached_tree_;
  std::vector<ObjectId> cached_pages_;
  std::unique_ptr<CachedDirectory> old_;  // what is edited, from the first row that was not copied yet
  std::unique_ptr<FileCacheWriter::Directory> cache_;
  Pages pages_;
  std::optional<DirectoryBuilder> builder_;
};

}  // namespace rb
