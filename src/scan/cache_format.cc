#include "scan/cache_format.h"

#include "base/hash.h"
#include "base/limits.h"

namespace rb {

namespace {

constexpr std::array<char, 8> kFileMagic = {'r', 'b', 'c', 'a', 'c', 'h', 'e', '3'};
constexpr std::array<char, 8> kFooterMagic = {'r', 'b', 'c', 'a', 'c', 'h', 'e', '$'};

// The first byte of a row.
constexpr std::uint8_t kTypeMask = 0x07;
constexpr std::uint8_t kTrusted = 0x08;
constexpr std::uint8_t kSameTimes = 0x10;  // ctime == mtime, as for most files that were written once
constexpr std::uint8_t kFirst = 0x20;      // of a page: nothing is a difference to a row before
constexpr std::uint8_t kFlags = kTrusted | kSameTimes | kFirst;

constexpr std::size_t kMaxCountBytes = 10;  // a varint's

// Everything but the checksum, which stands last.
template <typename T>
std::uint64_t checksum_of(const T& value) {
  return cache_checksum(bytes_of(value).first(sizeof value - sizeof value.checksum));
}

std::string_view without_trailing_slash(std::string_view path) {
  while (path.ends_with('/'))
    path.remove_suffix(1);
  return path;
}

std::uint64_t difference(std::int64_t value, std::int64_t before) {
  return zigzag(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(value) - static_cast<std::uint64_t>(before)));
}
std::int64_t sum(std::int64_t before, std::uint64_t difference) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(before) +
                                   static_cast<std::uint64_t>(unzigzag(difference)));
}

}  // namespace

Digest cache_path_digest(std::string_view path) {
  return hash(as_bytes(without_trailing_slash(path)));
}

std::string cache_child_path(std::string_view path, std::string_view name) {
  const std::string_view parent = without_trailing_slash(path);
  std::string out;
  out.reserve(parent.size() + 1 + name.size());
  out.append(parent).append(1, '/').append(name);
  return out;
}

Digest cache_key_digest(const CacheKey& key) {
  Bytes text;
  ByteWriter w(text);
  w.sized(std::string_view("rbbackup file cache"));
  w.bytes(key.repository.view());
  w.sized(std::string_view(key.node));
  w.sized(without_trailing_slash(key.root_path));
  return hash(text);
}

std::uint64_t cache_checksum(ByteView bytes) {
  const QuickHash digest = quick_hash(bytes);
  std::uint64_t out;
  std::memcpy(&out, digest.data(), sizeof out);
  return out;
}

void FrameHeader::seal() {
  checksum = checksum_of(*this);
}

bool FrameHeader::is_intact() const {
  return (kind == FrameKind::pages || kind == FrameKind::directory) && checksum == checksum_of(*this);
}

CacheFileHeader CacheFileHeader::make(const Digest& key) {
  CacheFileHeader out;
  out.magic = kFileMagic;
  out.key = key;
  out.checksum = checksum_of(out);
  return out;
}

bool CacheFileHeader::is_intact_for(const Digest& expected) const {
  return magic == kFileMagic && key == expected && checksum == checksum_of(*this);
}

CacheFooter CacheFooter::make(std::uint64_t index_offset, std::uint64_t index_count,
                              const ObjectId& root_tree) {
  CacheFooter out;
  out.magic = kFooterMagic;
  out.index_offset = index_offset;
  out.index_count = index_count;
  out.root_tree = root_tree;
  out.checksum = checksum_of(out);
  return out;
}

bool CacheFooter::is_intact() const {
  return magic == kFooterMagic && checksum == checksum_of(*this);
}

void RowWriter::add(std::string_view name, EntryType type, const Signature& s) {
  ByteWriter w(bytes_);
  const bool same_times = s.ctime == s.mtime;
  w.u8(static_cast<std::uint8_t>(static_cast<std::uint8_t>(type) | (s.trusted ? kTrusted : 0) |
                                 (same_times ? kSameTimes : 0) | (count_ == 0 ? kFirst : 0)));
  w.sized(name);
  w.varint(s.size);
  w.varint(zigzag(static_cast<std::int64_t>(s.inode - before_.inode)));
  w.varint(difference(s.mtime.seconds, before_.mtime.seconds));
  w.varint(s.mtime.nanoseconds);
  if (!same_times) {
    w.varint(difference(s.ctime.seconds, s.mtime.seconds));
    w.varint(s.ctime.nanoseconds);
  }
  before_ = s;
  ++count_;
  if (type == EntryType::directory) ++directories_;
}

void RowWriter::clear() {
  bytes_.clear();
  count_ = directories_ = 0;
  before_ = {};
}

bool RowReader::next(CachedRow& row) {
  if (in_.remaining() == 0) return false;
  const std::uint8_t first = in_.u8();
  const std::uint8_t type = first & kTypeMask;
  if (type == 0 || (first & ~(kTypeMask | kFlags)) != 0) return in_.fail(), false;
  if (first & kFirst) before_ = {};
  row.type = static_cast<EntryType>(type);
  row.name = as_text(in_.sized(kMaxNameBytes));
  Signature& s = row.signature;
  s.trusted = (first & kTrusted) != 0;
  s.size = in_.varint();
  s.inode = before_.inode + static_cast<std::uint64_t>(unzigzag(in_.varint()));
  s.mtime.seconds = sum(before_.mtime.seconds, in_.varint());
  s.mtime.nanoseconds = static_cast<std::uint32_t>(in_.varint_max(999'999'999));
  if (first & kSameTimes) {
    s.ctime = s.mtime;
  } else {
    s.ctime.seconds = sum(s.mtime.seconds, in_.varint());
    s.ctime.nanoseconds = static_cast<std::uint32_t>(in_.varint_max(999'999'999));
  }
  before_ = s;
  return in_.ok();
}

Bytes encode_directory_record(const DirectoryRecord& record) {
  Bytes out;
  ByteWriter w(out);
  w.bytes(record.path.view());
  w.bytes(record.tree.view());
  w.varint(record.frames.size());
  for (const std::uint64_t place : record.frames)
    w.u64(place);
  w.varint(record.page_ids.size());
  for (const ObjectId& id : record.page_ids)
    w.bytes(id.view());
  return out;
}

bool decode_directory_record(ByteView bytes, DirectoryRecord& record) {
  ByteReader r(bytes);
  record.path = r.id<Digest>();
  record.tree = r.id<ObjectId>();
  record.frames.resize(r.varint_max(r.remaining() / sizeof(std::uint64_t)));
  for (std::uint64_t& place : record.frames)
    place = r.u64();
  record.page_ids.resize(r.varint_max(r.remaining() / ObjectId::kSize));
  for (ObjectId& id : record.page_ids)
    id = r.id<ObjectId>();
  return r.done();
}

void append_frame_page(Bytes& pages, const FramePage& page) {
  ByteWriter w(pages);
  w.bytes(page.id.view());
  w.varint(page.row_count);
  w.sized(page.object);
}

std::optional<std::vector<FramePage>> split_frame_pages(ByteView pages) {
  std::vector<FramePage> out;
  ByteReader r(pages);
  while (r.ok() && r.remaining() > 0) {
    FramePage page;
    page.id = r.id<ObjectId>();
    page.row_count = static_cast<std::uint32_t>(r.varint_max(kMaxPageItems));
    page.object = r.sized(kMaxMetadataBytes + kMaxCountBytes);
    out.push_back(page);
  }
  if (!r.done()) return std::nullopt;
  return out;
}

Bytes encode_cached_page(const Object& leaf) {
  Bytes out;
  out.reserve(kMaxCountBytes + leaf.refs.size() * ObjectId::kSize + leaf.payload.size());
  ByteWriter w(out);
  w.varint(leaf.refs.size());
  for (const ObjectId& id : leaf.refs)
    w.bytes(id.view());
  w.bytes(leaf.payload);
  return out;
}

Result<TreePage> decode_cached_page(ByteView bytes) {
  ByteReader r(bytes);
  std::vector<ObjectId> refs(r.varint_max(std::min(kMaxObjectRefs, r.remaining() / ObjectId::kSize)));
  for (ObjectId& id : refs)
    id = r.id<ObjectId>();
  if (!r.ok()) return fail(Errc::corrupt, "a page of the file cache is damaged");
  RB_TRY(TreePage page, decode_tree_page(refs, r.bytes(r.remaining())));
  if (page.level != 0) return fail(Errc::corrupt, "a page of the file cache is no leaf");
  return page;
}

}  // namespace rb
