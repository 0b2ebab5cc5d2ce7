// What one directory becomes: its tree and its part of the new cache. As long as every entry is what both the
// copy and the cache have, nothing is built at all; at the first that differs those before it are taken from
// the cache. Not thread-safe.
#pragma once

#include <unordered_set>

#include "backup/walk_context.h"
#include "tree/directory_builder.h"

namespace rb {

class DirectoryOutput {
 public:
  // `unbuilt`: begin without building; requires that the copy has the cache's tree. `held`: the store holds
  // the cached tree, so that its pages need no question. `cached` may be nothing.
  DirectoryOutput(WalkContext& context, const std::string& path, const CachedDirectory* cached, bool held,
                  bool unbuilt);

  bool building() const { return builder_.has_value(); }
  // Takes everything before `name` from the cache.
  Status start_building(std::string_view name);

  // Requires: building(). The name is greater than all before.
  Status add(Entry entry, const Signature& signature);

  struct Finished {
    ObjectId tree;
    bool clean = false;  // nothing was built: the old cache's directory stands
  };
  Result<Finished> finish();

 private:
  // Keeps pages that the store has already from the uploader, and remembers all for the cache.
  class Pages final : public ObjectSink {
   public:
    explicit Pages(ObjectSink& next) : next_(next) {}
    Result<ObjectId> put(Object object) override;

    std::unordered_set<ObjectId> held;
    std::vector<ObjectId> all;

   private:
    ObjectSink& next_;
  };

  void begin();

  WalkContext& context_;
  const std::string& path_;
  std::optional<ObjectId> cached_tree_;
  Pages pages_;
  std::vector<ObjectId> cached_pages_;
  std::optional<DirectoryBuilder> builder_;
  std::unique_ptr<FileCacheWriter::Directory> cache_;
};

}  // namespace rb
