// The files that one cache is read from, the first of which that knows a directory wins: checkpoints of runs
// that were cut, the root's own cache, else an enclosing root's checkpoints and cache.
#pragma once

#include "scan/cache_log_reader.h"

namespace rb {

// Where a directory's rows are.
struct LocatedDirectory {
  struct Frame {
    const CacheLogReader* log = nullptr;
    std::uint64_t offset = 0;
  };
  PlaceKey key;
  std::vector<Frame> frames;
  // The first frame's rows, since they had to be read to be checked.
  FrameHeader first_header;
  Bytes first_rows;
  // Those of the complete directory. Frames of one that was cut come before: a later frame's rows that are
  // not greater than the last name seen are older news of the same files, to be skipped.
  std::optional<ObjectId> tree;  // nothing where there are such, or no complete directory at all
  std::vector<ObjectId> page_ids;
  bool from_checkpoint = false;
};

using CacheLogs = std::vector<std::unique_ptr<CacheLogReader>>;

// Immutable: thread-safe.
class JoinedCache final : public FileCache {
 public:
  explicit JoinedCache(CacheLogs logs) : logs_(std::make_shared<const CacheLogs>(std::move(logs))) {}

  std::optional<ObjectId> root_tree() const override;
  std::unique_ptr<CachedDirectory> find(std::string_view path) const override;
  // Checks the rows of every frame, so that what is given can be relied upon.
  std::optional<LocatedDirectory> locate(std::string_view path) const;

 private:
  std::shared_ptr<const CacheLogs> logs_;  // shared with the directories that were found
};

}  // namespace rb
