// Reads one file of the cache, finished or cut. Nothing of it is kept in memory but, for a checkpoint, the
// places of its frames. Immutable once open: any number of threads may read.
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
  std::vector<std::uint64_t> find_pages(const Digest& path) const;

  // Nothing where the bytes at `offset` are no whole page frame of that directory.
  std::optional<FrameHeader> read_page_header(std::uint64_t offset, const PlaceKey& key) const;
  // Read and check one part; false when it is damaged.
  bool read_rows(std::uint64_t offset, const FrameHeader& header, Bytes& out) const;
  bool read_page(std::uint64_t offset, const FrameHeader& header, Bytes& out) const;
  // Rows and page as they are, unchecked, for copying the frame.
  bool read_body(std::uint64_t offset, const FrameHeader& header, Bytes& out) const;

 private:
  struct PagesUnderWay {
    std::uint32_t serial = 0;
    std::vector<std::uint64_t> pages;
  };

  CacheLogReader() = default;
  bool open_footer();
  void collect_frames();
  std::optional<std::uint64_t> find_in_index(const PlaceKey& key) const;
  bool read_at(std::uint64_t offset, void* to, std::size_t size) const;
  std::optional<FrameHeader> read_header(std::uint64_t offset) const;
  bool read_checked(std::uint64_t offset, std::size_t size, std::uint64_t checksum, Bytes& out) const;

  UniqueFd fd_;
  std::uint64_t frames_end_ = 0;  // no frame reaches beyond
  std::optional<CacheFooter> footer_;
  // Of a checkpoint:
  PlaceTable directories_;
  std::unordered_map<PlaceKey, PagesUnderWay> under_way_;
};

}  // namespace rb
