#include "scan/joined_cache.h"

#include "scan/cached_rows.h"

namespace rb {

namespace {

// Whether all rows of the page at `offset` are there. A page that is lost would look like files that never
// were, so it has to be noticed before the directory's tree is believed.
bool page_is_intact(const CacheLogReader& log, std::uint64_t offset, const PlaceKey& key, Bytes& buffer) {
  const std::optional<FrameHeader> header = log.read_page_header(offset, key);
  return header && log.read_rows(offset, *header, buffer);
}

// Appends the pages up to the first that is damaged; says whether there was none.
bool add_pages(const CacheLogReader& log, const std::vector<std::uint64_t>& places, LocatedDirectory& to) {
  Bytes buffer;
  for (const std::uint64_t place : places) {
    if (!page_is_intact(log, place, to.key, buffer)) return false;
    to.pages.push_back({&log, place});
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
      const std::size_t pages_before = out.pages.size();
      if (add_pages(*log, record->pages, out)) {
        out.from_checkpoint |= log->is_checkpoint();
        if (pages_before == 0) {
          out.tree = record->tree;
          out.page_ids = std::move(record->page_ids);
        }
        return out;
      }
      out.pages.resize(pages_before);
    } else if (log->is_checkpoint()) {
      add_pages(*log, log->find_pages(digest), out);
      out.from_checkpoint |= !out.pages.empty();
    }
  }
  if (out.pages.empty()) return std::nullopt;
  return out;
}

std::unique_ptr<CachedDirectory> JoinedCache::find(std::string_view path) const {
  std::optional<LocatedDirectory> located = locate(path);
  if (!located) return nullptr;
  return std::make_unique<CachedRows>(logs_, std::move(*located));
}

}  // namespace rb
