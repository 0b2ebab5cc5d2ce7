// The bytes of the file cache. Little-endian, fixed headers; every part has a checksum of its own, so that
// the walk over an unchanged directory reads its rows and leaves the pages beside them alone.
//
//   file header   64 bytes: magic (names the version), hash of (repository, node, root path), checksum
//   frames        64 bytes of header each, then the rows, then the pages
//     page frame       rows: one per entry (RowWriter); pages: the leaves of the tree that these entries are
//     in (PageWriter), whole, in order directory frame  rows: DirectoryRecord; no pages
//   index         24 bytes for each directory: 16 of its key, place of its directory frame; sorted by key
//   footer        64 bytes: magic, place and length of the index, the root's tree id, checksum
//
// A directory is named by the hash of its path, never by the path: in a tree deeper than PATH_MAX the paths
// would be most of the file. The index has no checksum: what it leads to has one, and says whose it is.
#pragma once

#include <array>

#include "base/byte_codec.h"
#include "scan/file_cache.h"

namespace rb {

// Hash of an absolute path without a trailing '/'.
Digest cache_path_digest(std::string_view path);
// `name` in the directory at `path`.
std::string cache_child_path(std::string_view path, std::string_view name);

// The file's first bytes identify whose cache it is; its name begins with their hexadecimal form.
Digest cache_key_digest(const CacheKey& key);

// What an index sorts and finds by: the first half of a path's digest.
using PlaceKey = FixedId<struct PlaceTag, 16>;
inline PlaceKey place_key(const Digest& path) {
  return PlaceKey::from(path.view().first(PlaceKey::kSize));
}

// Truncated XXH3: against accidents. Whoever may write here may as well change the program.
std::uint64_t cache_checksum(ByteView bytes);

// A frame takes whole pages until it has so many rows or bytes of pages.
inline constexpr std::size_t kCacheFrameRows = 192;
inline constexpr std::size_t kCacheFrameBytes = 256 << 10;

enum class FrameKind : std::uint32_t { pages = 1, directory = 2 };

struct FrameHeader {
  FrameKind kind = FrameKind::pages;
  // Which begin_directory() of the run wrote it: a directory that was begun twice has two numbers.
  std::uint32_t serial = 0;
  PlaceKey key;
  std::uint32_t rows_bytes = 0;
  std::uint32_t pages_bytes = 0;
  std::uint32_t row_count = 0;
  std::uint32_t directory_count =
      0;  // rows of type directory: where there are none, nobody looks for children
  std::uint64_t rows_checksum = 0;
  std::uint64_t pages_checksum = 0;
  std::uint64_t checksum = 0;  // of the bytes before

  std::uint64_t frame_bytes() const { return sizeof(FrameHeader) + std::uint64_t{rows_bytes} + pages_bytes; }
  void seal();
  bool is_intact() const;
};
static_assert(sizeof(FrameHeader) == 64 && std::is_trivially_copyable_v<FrameHeader>);

struct CacheFileHeader {
  std::array<char, 8> magic{};
  Digest key;
  std::array<std::uint8_t, 16> reserved{};
  std::uint64_t checksum = 0;

  static CacheFileHeader make(const Digest& key);
  bool is_intact_for(const Digest& expected) const;
};
static_assert(sizeof(CacheFileHeader) == 64 && std::is_trivially_copyable_v<CacheFileHeader>);

struct CacheFooter {
  std::array<char, 8> magic{};
  std::uint64_t index_offset = 0;
  std::uint64_t index_count = 0;
  ObjectId root_tree;
  std::uint64_t checksum = 0;

  static CacheFooter make(std::uint64_t index_offset, std::uint64_t index_count, const ObjectId& root_tree);
  bool is_intact() const;
};
static_assert(sizeof(CacheFooter) == 64 && std::is_trivially_copyable_v<CacheFooter>);

struct IndexItem {
  PlaceKey key;
  std::uint64_t offset = 0;
};
static_assert(sizeof(IndexItem) == 24 && std::is_trivially_copyable_v<IndexItem>);

template <typename T>
ByteView bytes_of(const T& value) {
  return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

// The rows of one page, encoded as they come. Times and inodes stand as differences to the row before, in the
// first as they are, so that the rows of several pages can be put together and taken apart.
class RowWriter {
 public:
  void add(std::string_view name, EntryType type, const Signature& signature);
  const Bytes& bytes() const { return bytes_; }
  std::uint32_t count() const { return count_; }
  std::uint32_t directory_count() const { return directories_; }
  void clear();

 private:
  Bytes bytes_;
  std::uint32_t count_ = 0, directories_ = 0;
  Signature before_;
};

// Reads them back from bytes that it borrows. Never reads past the end, whatever they are.
class RowReader {
 public:
  RowReader() : in_({}) {}
  explicit RowReader(ByteView rows) : in_(rows) {}
  // False at the end, and on bytes that RowWriter would not have made; then ok() tells them apart. `row.name`
  // points into the rows.
  bool next(CachedRow& row);
  bool ok() const { return in_.ok(); }
  std::size_t remaining() const { return in_.remaining(); }

 private:
  ByteReader in_;
  Signature before_;
};

// What a directory frame holds.
struct DirectoryRecord {
  Digest path;
  ObjectId tree;
  std::vector<std::uint64_t> frames;  // places of the page frames, in order
  std::vector<ObjectId> page_ids;
};
Bytes encode_directory_record(const DirectoryRecord& record);
bool decode_directory_record(ByteView bytes, DirectoryRecord& record);

// A page in a frame: its id, how many rows are its entries', and the page as an object. An id of zeros: not a
// page of any tree, but entries of one that was under way.
struct FramePage {
  ObjectId id;
  std::uint32_t row_count = 0;
  ByteView object;  // encode_cached_page()
};
void append_frame_page(Bytes& pages, const FramePage& page);
// Nothing when they are not whole. Borrows the bytes.
std::optional<std::vector<FramePage>> split_frame_pages(ByteView pages);

Bytes encode_cached_page(const Object& leaf);
Result<TreePage> decode_cached_page(ByteView bytes);

}  // namespace rb
