// Reads one file of the cache, finished or cut. Of a finished one the index is kept in memory while it is
// short, of a checkpoint the places of its frames; nothing else. Immutable once open: any number of threads
// may read.
#pragma once

#include <memory>
#include <unordered_map>

#include "base/unique_fd.h"
#include "scan/cache_format.h"
#include "scan/place_table.h"

namespace rb {

class CacheLogReader {
 public:
  // nullptr when it is not there, not ours, damaged, or of another key. A finished file has an intact footer;
  // without one the frames from the beginning to the first that is not whole count, and it is a checkpoint.
  static std::unique_ptr<CacheLogReader> open(const std::string& path, const Digest& key);
  // The same for a file that is open at its beginning; for tests.
  static std::unique_ptr<CacheLogReader> open_fd(UniqueFd fd, const Digest& key);

  bool is_checkpoint() const { return !footer_; }
  std::optional<ObjectId> root_tree() const;

  // The complete directory with that path digest.
  std::optional<DirectoryRecord> find_directory(const Digest& path) const;
  // Places of the page frames of a directory that the run did not complete, in order. Checkpoints only.
  std::vector<std::uint64_t> find_frames(const Digest& path) const;

  // The rows of the page frame at `offset`. Nothing where there is no such frame of that directory, or it is
  // damaged.
  std::optional<FrameHeader> read_rows(std::uint64_t offset, const PlaceKey& key, Bytes& rows) const;
  // Its pages; false when they are damaged.
  bool read_pages(std::uint64_t offset, const FrameHeader& header, Bytes& out) const;
  // As they are, for copying the frame with its checksums.
  bool read_pages_unchecked(std::uint64_t offset, const FrameHeader& header, Bytes& out) const;

 private:
  struct FramesUnderWay {
    std::uint32_t serial = 0;
    std::vector<std::uint64_t> frames;
  };

  CacheLogReader() = default;
  bool open_footer();
  void load_index();
  void collect_frames();
  // Items of the index from `begin` on: in memory, or read into `window`. Nothing when they can't be read.
  std::span<const IndexItem> index_items(std::uint64_t begin, std::span<IndexItem> window) const;
  std::optional<std::uint64_t> find_in_index(const PlaceKey& key) const;
  bool read_at(std::uint64_t offset, void* to, std::size_t size) const;
  bool has_room(std::uint64_t offset, std::uint64_t length) const;
  std::optional<FrameHeader> read_header(std::uint64_t offset) const;
  std::optional<FrameHeader> read_frame(std::uint64_t offset, FrameKind kind, const PlaceKey& key,
                                        Bytes& rows) const;

  UniqueFd fd_;
  std::uint64_t frames_end_ = 0;  // no frame reaches beyond
  std::optional<CacheFooter> footer_;
  std::vector<IndexItem> index_;  // empty where it is too long to be kept
  // Of a checkpoint:
  PlaceTable directories_;
  std::unordered_map<PlaceKey, FramesUnderWay> under_way_;
};

}  // namespace rb
