#include "scan/joined_cache.h"

#include "scan/cached_rows.h"

namespace rb {

namespace {

// Appends the frames up to the first that is damaged; says whether there was none. One that is lost would
// look like files that never were, so it has to be noticed before the directory's tree is believed.
bool add_frames(const CacheLogReader& log, const std::vector<std::uint64_t>& places, LocatedDirectory& to) {
  Bytes others;
  for (const std::uint64_t place : places) {
    const bool is_first = to.frames.empty();
    const std::optional<FrameHeader> header = log.read_rows(place, to.key, is_first ? to.first_rows : others);
    if (!header) return false;
    if (is_first) to.first_header = *header;
    to.frames.push_back({&log, place});
  }
  return true;
}

}  // namespace

std::optional<ObjectId> JoinedCache::root_tree() const {
  for (const auto& log : *logs_) {
    if (const std::optional<ObjectId> tree = log->root_tree()) return tree;
  }
  return std::nullopt;
}

std::optional<LocatedDirectory> JoinedCache::locate(std::string_view path) const {
  const Digest digest = cache_path_digest(path);
  LocatedDirectory out;
  out.key = place_key(digest);
  for (const auto& log : *logs_) {
    std::optional<DirectoryRecord> record = log->find_directory(digest);
    if (record) {
      const std::size_t frames_before = out.frames.size();
      if (add_frames(*log, record->frames, out)) {
        out.from_checkpoint |= log->is_checkpoint();
        if (frames_before == 0) {
          out.tree = record->tree;
          out.page_ids = std::move(record->page_ids);
        }
        return out;
      }
      out.frames.resize(frames_before);
    } else if (log->is_checkpoint()) {
      add_frames(*log, log->find_frames(digest), out);
      out.from_checkpoint |= !out.frames.empty();
    }
  }
  if (out.frames.empty()) return std::nullopt;
  return out;
}

std::unique_ptr<CachedDirectory> JoinedCache::find(std::string_view path) const {
  std::optional<LocatedDirectory> located = locate(path);
  if (!located) return nullptr;
  return std::make_unique<CachedRows>(logs_, std::move(*located));
}

}  // namespace rb
