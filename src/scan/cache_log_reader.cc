#include "scan/cache_log_reader.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>

namespace rb {

namespace {

// Items of the index read at once. Keys are evenly distributed, so the guess where one stands misses by about
// half the square root of their number: in a tree of 100,000 directories one or two reads find it.
constexpr std::uint64_t kIndexWindow = 256;

// An index up to this length is kept in memory: 170,000 directories.
constexpr std::size_t kMaxIndexBytes = 4 << 20;

// Read at the first go: header and rows of most directories.
constexpr std::size_t kFirstReadBytes = 4096;

// Where among `count` sorted keys this one should stand. Any guess is right, a good one is quick.
std::uint64_t expected_position(const PlaceKey& key, std::uint64_t count) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < 4; ++i)
    prefix = prefix << 8 | key.bytes[i];
  return prefix * std::min<std::uint64_t>(count, UINT32_MAX) >> 32;
}

// A cache that somebody else could have written says nothing about our files.
bool is_own_file(int fd, std::uint64_t& size) {
  struct stat st;
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != ::geteuid()) return false;
  size = static_cast<std::uint64_t>(st.st_size);
  return true;
}

}  // namespace

std::unique_ptr<CacheLogReader> CacheLogReader::open(const std::string& path, const Digest& key) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return fd ? open_fd(std::move(fd), key) : nullptr;
}

std::unique_ptr<CacheLogReader> CacheLogReader::open_fd(UniqueFd fd, const Digest& key) {
  std::unique_ptr<CacheLogReader> out(new CacheLogReader);
  out->fd_ = std::move(fd);
  if (!is_own_file(out->fd_.get(), out->frames_end_)) return nullptr;
  CacheFileHeader header;
  if (!out->read_at(0, &header, sizeof header) || !header.is_intact_for(key)) return nullptr;
  if (!out->open_footer()) out->collect_frames();
  return out;
}

std::optional<ObjectId> CacheLogReader::root_tree() const {
  if (!footer_) return std::nullopt;
  return footer_->root_tree;
}

bool CacheLogReader::open_footer() {
  if (frames_end_ < sizeof(CacheFileHeader) + sizeof(CacheFooter)) return false;
  const std::uint64_t at = frames_end_ - sizeof(CacheFooter);
  CacheFooter footer;
  if (!read_at(at, &footer, sizeof footer) || !footer.is_intact()) return false;
  if (footer.index_offset > at || footer.index_count != (at - footer.index_offset) / sizeof(IndexItem))
    return false;
  footer_ = footer;
  frames_end_ = footer.index_offset;
  load_index();
  return true;
}

void CacheLogReader::load_index() {
  if (footer_->index_count > kMaxIndexBytes / sizeof(IndexItem)) return;
  index_.resize(footer_->index_count);
  if (!read_at(footer_->index_offset, index_.data(), index_.size() * sizeof(IndexItem))) index_.clear();
}

// Reads the headers only: what is torn within a frame shows when the frame is read.
void CacheLogReader::collect_frames() {
  std::uint64_t at = sizeof(CacheFileHeader);
  while (const std::optional<FrameHeader> header = read_header(at)) {
    if (header->kind == FrameKind::directory) {
      directories_.set(header->key, at);
      under_way_.erase(header->key);
    } else {
      FramesUnderWay& dir = under_way_[header->key];
      if (dir.serial != header->serial) dir = {header->serial, {}};
      dir.frames.push_back(at);
    }
    at += header->frame_bytes();
  }
  frames_end_ = at;
}

std::optional<DirectoryRecord> CacheLogReader::find_directory(const Digest& path) const {
  const PlaceKey key = place_key(path);
  const std::optional<std::uint64_t> place = footer_ ? find_in_index(key) : directories_.find(key);
  if (!place) return std::nullopt;
  Bytes bytes;
  DirectoryRecord record;
  if (!read_frame(*place, FrameKind::directory, key, bytes)) return std::nullopt;
  if (!decode_directory_record(bytes, record)) return std::nullopt;
  if (record.path != path) return std::nullopt;
  return record;
}

std::vector<std::uint64_t> CacheLogReader::find_frames(const Digest& path) const {
  const auto at = under_way_.find(place_key(path));
  return at == under_way_.end() ? std::vector<std::uint64_t>{} : at->second.frames;
}

std::optional<FrameHeader> CacheLogReader::read_rows(std::uint64_t offset, const PlaceKey& key,
                                                     Bytes& rows) const {
  return read_frame(offset, FrameKind::pages, key, rows);
}

bool CacheLogReader::read_pages(std::uint64_t offset, const FrameHeader& h, Bytes& out) const {
  return read_pages_unchecked(offset, h, out) && cache_checksum(out) == h.pages_checksum;
}

bool CacheLogReader::read_pages_unchecked(std::uint64_t offset, const FrameHeader& h, Bytes& out) const {
  out.resize(h.pages_bytes);
  return read_at(offset + sizeof h + h.rows_bytes, out.data(), out.size());
}

// Interpolates once, then goes on from window to window in growing steps; each look narrows [low, high).
std::optional<std::uint64_t> CacheLogReader::find_in_index(const PlaceKey& key) const {
  std::array<IndexItem, kIndexWindow> window;
  std::uint64_t low = 0, high = footer_->index_count, step = kIndexWindow;
  std::uint64_t begin = expected_position(key, high);
  begin -= std::min(begin, kIndexWindow / 2);
  while (low < high) {
    begin = std::clamp(begin, low, high - 1);
    const std::span<const IndexItem> items =
        index_items(begin, std::span(window).first(std::min(kIndexWindow, high - begin)));
    if (items.empty()) break;
    if (key < items.front().key) {
      high = begin;
      begin -= std::min(begin, step);
      step *= 2;
    } else if (items.back().key < key) {
      low = begin + items.size();
      begin += step;
      step *= 2;
    } else {
      const auto end = items.end();
      const auto at = std::lower_bound(items.begin(), end, key,
                                       [](const IndexItem& item, const PlaceKey& k) { return item.key < k; });
      if (at == end || at->key != key) return std::nullopt;
      return at->offset;
    }
  }
  return std::nullopt;
}

std::span<const IndexItem> CacheLogReader::index_items(std::uint64_t begin,
                                                       std::span<IndexItem> window) const {
  if (!index_.empty()) return std::span(index_).subspan(begin, window.size());
  const std::uint64_t place = footer_->index_offset + begin * sizeof(IndexItem);
  if (!read_at(place, window.data(), window.size_bytes())) return {};
  return window;
}

bool CacheLogReader::read_at(std::uint64_t offset, void* to, std::size_t size) const {
  auto* out = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t n = ::pread(fd_.get(), out, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    out += n;
    offset += static_cast<std::uint64_t>(n);
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

std::optional<FrameHeader> CacheLogReader::read_header(std::uint64_t offset) const {
  FrameHeader header;
  if (!has_room(offset, sizeof header) || !read_at(offset, &header, sizeof header)) return std::nullopt;
  if (!header.is_intact() || !has_room(offset, header.frame_bytes())) return std::nullopt;
  return header;
}

// One read for header and rows where they are short, as most are.
std::optional<FrameHeader> CacheLogReader::read_frame(std::uint64_t offset, FrameKind kind,
                                                      const PlaceKey& key, Bytes& rows) const {
  FrameHeader h;
  if (!has_room(offset, sizeof h)) return std::nullopt;
  std::array<std::uint8_t, kFirstReadBytes> first;
  const std::uint64_t got = std::min<std::uint64_t>(first.size(), frames_end_ - offset);
  if (!read_at(offset, first.data(), got)) return std::nullopt;
  std::memcpy(&h, first.data(), sizeof h);
  if (!h.is_intact() || h.kind != kind || h.key != key || !has_room(offset, h.frame_bytes()))
    return std::nullopt;
  const std::size_t here = std::min<std::size_t>(h.rows_bytes, got - sizeof h);
  rows.assign(first.data() + sizeof h, first.data() + sizeof h + here);
  rows.resize(h.rows_bytes);
  if (!read_at(offset + sizeof h + here, rows.data() + here, rows.size() - here)) return std::nullopt;
  if (cache_checksum(rows) != h.rows_checksum) return std::nullopt;
  return h;
}

// Whether a frame of that length may stand there. Asked before anything is allocated for it.
bool CacheLogReader::has_room(std::uint64_t offset, std::uint64_t length) const {
  return offset >= sizeof(CacheFileHeader) && offset <= frames_end_ && length <= frames_end_ - offset;
}

}  // namespace rb
