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
  return true;
}

// Reads the headers only: what is torn within a frame shows when the frame is read.
void CacheLogReader::collect_frames() {
  std::uint64_t at = sizeof(CacheFileHeader);
  while (const std::optional<FrameHeader> header = read_header(at)) {
    if (header->kind == FrameKind::directory) {
      directories_.set(header->key, at);
      under_way_.erase(header->key);
    } else {
      PagesUnderWay& dir = under_way_[header->key];
      if (dir.serial != header->serial) dir = {header->serial, {}};
      dir.pages.push_back(at);
    }
    at += header->frame_bytes();
  }
  frames_end_ = at;
}

std::optional<DirectoryRecord> CacheLogReader::find_directory(const Digest& path) const {
  const PlaceKey key = place_key(path);
  const std::optional<std::uint64_t> place = footer_ ? find_in_index(key) : directories_.find(key);
  if (!place) return std::nullopt;
  const std::optional<FrameHeader> header = read_header(*place);
  if (!header || header->kind != FrameKind::directory || header->key != key) return std::nullopt;
  Bytes bytes;
  DirectoryRecord record;
  if (!read_rows(*place, *header, bytes) || !decode_directory_record(bytes, record)) return std::nullopt;
  if (record.path != path) return std::nullopt;
  return record;
}

std::vector<std::uint64_t> CacheLogReader::find_pages(const Digest& path) const {
  const auto at = under_way_.find(place_key(path));
  return at == under_way_.end() ? std::vector<std::uint64_t>{} : at->second.pages;
}

std::optional<FrameHeader> CacheLogReader::read_page_header(std::uint64_t offset, const PlaceKey& key) const {
  const std::optional<FrameHeader> header = read_header(offset);
  if (!header || header->kind != FrameKind::page || header->key != key) return std::nullopt;
  return header;
}

bool CacheLogReader::read_rows(std::uint64_t offset, const FrameHeader& h, Bytes& out) const {
  return read_checked(offset + sizeof h, h.rows_bytes, h.rows_checksum, out);
}

bool CacheLogReader::read_page(std::uint64_t offset, const FrameHeader& h, Bytes& out) const {
  return read_checked(offset + sizeof h + h.rows_bytes, h.page_bytes, h.page_checksum, out);
}

bool CacheLogReader::read_body(std::uint64_t offset, const FrameHeader& h, Bytes& out) const {
  out.resize(std::size_t{h.rows_bytes} + h.page_bytes);
  return read_at(offset + sizeof h, out.data(), out.size());
}

// Interpolates once, then goes on from window to window in growing steps; each look narrows [low, high).
std::optional<std::uint64_t> CacheLogReader::find_in_index(const PlaceKey& key) const {
  std::array<IndexItem, kIndexWindow> window;
  std::uint64_t low = 0, high = footer_->index_count, step = kIndexWindow;
  std::uint64_t begin = expected_position(key, high);
  begin -= std::min(begin, kIndexWindow / 2);
  while (low < high) {
    begin = std::clamp(begin, low, high - 1);
    const std::uint64_t count = std::min(kIndexWindow, high - begin);
    if (!read_at(footer_->index_offset + begin * sizeof(IndexItem), window.data(), count * sizeof(IndexItem)))
      break;
    if (key < window[0].key) {
      high = begin;
      begin -= std::min(begin, step);
      step *= 2;
    } else if (window[count - 1].key < key) {
      low = begin + count;
      begin += step;
      step *= 2;
    } else {
      const auto end = window.begin() + static_cast<std::ptrdiff_t>(count);
      const auto at = std::lower_bound(window.begin(), end, key,
                                       [](const IndexItem& item, const PlaceKey& k) { return item.key < k; });
      if (at == end || at->key != key) return std::nullopt;
      return at->offset;
    }
  }
  return std::nullopt;
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
  if (offset < sizeof(CacheFileHeader) || offset > frames_end_ || frames_end_ - offset < sizeof header) {
    return std::nullopt;
  }
  if (!read_at(offset, &header, sizeof header) || !header.is_intact()) return std::nullopt;
  // Checked before anything is allocated for it.
  if (header.frame_bytes() > frames_end_ - offset) return std::nullopt;
  return header;
}

bool CacheLogReader::read_checked(std::uint64_t offset, std::size_t size, std::uint64_t checksum,
                                  Bytes& out) const {
  out.resize(size);
  return read_at(offset, out.data(), size) && cache_checksum(out) == checksum;
}

}  // namespace rb
