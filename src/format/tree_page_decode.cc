#include <algorithm>

#include "base/byte_codec.h"
#include "base/limits.h"
#include "format/ref_codec.h"
#include "format/tree_page.h"
#include "format/tree_page_layout.h"

namespace rb {
namespace {

using namespace tree_page_layout;

std::unexpected<Error> corrupt_page(const char* what) {
  return fail(Errc::corrupt, std::string("tree page: ") + what);
}

// Rebuilds a name from the one before it. Requires: are_name_bytes(suffix). False for a name that the encoder
// would not have written there: impossible, not greater than the one before, or sharing more with it than it
// says.
bool next_name(std::string_view before, std::size_t shared, std::string_view suffix, std::string& out) {
  if (shared > before.size() || suffix.empty()) return false;
  if (shared < before.size() &&
      static_cast<std::uint8_t>(before[shared]) >= static_cast<std::uint8_t>(suffix.front())) {
    return false;
  }
  const std::size_t size = shared + suffix.size();
  // libstdc++ 12 offers the whole capacity, so the lambda says how much it is.
  out.resize_and_overwrite(size, [&](char* to, std::size_t) {
    if (shared > 0) before.copy(to, shared);  // an empty view may point nowhere
    suffix.copy(to + shared, suffix.size());
    return size;
  });
  return has_name_form(out);
}

struct Owner {
  std::uint32_t uid = 0, gid = 0;
  std::string user, group;
  auto operator<=>(const Owner&) const = default;
};

class LeafDecoder {
 public:
  LeafDecoder(std::span<const ObjectId> refs, ByteReader& reader) : reader_(reader), refs_(refs) {}

  Result<std::vector<Entry>> decode() {
    const std::uint64_t count =
        reader_.varint_max(std::min(kMaxPageItems, reader_.remaining() / kFixedBytes));
    if (!reader_.ok()) return corrupt_page("impossible count");
    std::vector<Entry> entries(count);
    if (count > 0) {
      RB_TRY(read_owners(count));
      RB_TRY(find_columns(count));
      for (std::size_t i = 0; i < count; ++i) {
        if (!read_entry(i, entries)) return corrupt_page(wrong_);
      }
      for (const ByteReader& column : columns_) {
        if (!column.done()) return corrupt_page("a column of a wrong length");
      }
      if (owners_seen_ != owners_.size()) return corrupt_page("an owner of nothing");
    }
    if (!reader_.done()) return corrupt_page("bytes after the end");
    if (!refs_.done()) return corrupt_page("a reference that nothing names");
    return entries;
  }

 private:
  static constexpr std::size_t kMinOwnerBytes = 4;

  Status read_owners(std::size_t count) {
    owners_.resize(reader_.varint_max(std::min(count, reader_.remaining() / kMinOwnerBytes)));
    if (owners_.empty()) return corrupt_page("impossible count of owners");
    for (Owner& owner : owners_) {
      owner.uid = static_cast<std::uint32_t>(reader_.varint_max(UINT32_MAX));
      owner.gid = static_cast<std::uint32_t>(reader_.varint_max(UINT32_MAX));
      owner.user = as_text(reader_.sized(kMaxOwnerNameBytes));
      owner.group = as_text(reader_.sized(kMaxOwnerNameBytes));
    }
    if (!reader_.ok()) return corrupt_page("impossible owner");
    if (owners_.size() > 1) {
      std::vector<Owner> sorted = owners_;
      std::ranges::sort(sorted);
      if (std::ranges::adjacent_find(sorted) != sorted.end()) return corrupt_page("an owner stands twice");
    }
    return {};
  }

  Status find_columns(std::size_t count) {
    std::array<std::uint64_t, kColumns> lengths;
    for (std::uint64_t& length : lengths)
      length = reader_.varint_max(kMaxMetadataBytes);
    fixed_ = reader_.bytes(count * kFixedBytes).data();
    std::array<ByteView, kColumns> columns;
    for (std::size_t i = 0; i < kColumns; ++i)
      columns[i] = reader_.bytes(lengths[i]);
    if (!reader_.ok()) return corrupt_page("cut off");
    if (!are_name_bytes(as_text(columns[kNames]))) return corrupt_page("impossible name");
    for (std::size_t i = 0; i < kColumns; ++i)
      columns_[i] = ByteReader(columns[i]);
    count_ = count;
    return {};
  }

  bool wrong(const char* what) {
    wrong_ = what;
    return false;
  }

  bool read_entry(std::size_t i, std::vector<Entry>& entries) {
    Entry& entry = entries[i];
    const std::uint8_t shape = fixed_[i];
    const std::uint8_t presence = fixed_[count_ + i];
    if (!kShapes[shape]) return wrong("unknown type or content of an entry");
    if ((presence & ~kPresenceMask) != 0) return wrong("unknown fields of an entry");
    entry.type = static_cast<EntryType>(shape & kTypeMask);
    entry.content_kind = static_cast<ContentKind>(shape >> kContentShift);
    entry.implied = (shape & kImplied) != 0;
    return read_name(i, entries) && read_owner(entry) && read_fixed(i, entry) &&
           read_times(i, presence, entries) && read_content(entry) &&
           (((presence & kRareMask) == 0 && !is_device(entry.type)) || read_rare(presence, entry));
  }

  bool read_name(std::size_t i, std::vector<Entry>& entries) {
    ByteReader& lengths = columns_[kNameLengths];
    const std::uint64_t shared = lengths.varint_max(kMaxNameBytes);
    const std::uint64_t suffix = lengths.varint_max(kMaxNameBytes - shared);
    const std::string_view text = as_text(columns_[kNames].bytes(suffix));
    if (!lengths.ok() || !columns_[kNames].ok()) return wrong("names cut off");
    if (text.empty() && shared == 0) {
      // The root page of a snapshot: one entry without a name.
      return count_ == 1 && entries[i].type == EntryType::directory ? true : wrong("an entry without a name");
    }
    const std::string_view before = i == 0 ? std::string_view() : std::string_view(entries[i - 1].name);
    if (!next_name(before, shared, text, entries[i].name)) return wrong("impossible name or order of names");
    name_bytes_ += entries[i].name.size();
    return name_bytes_ <= kMaxMetadataBytes ? true : wrong("too many bytes of names");
  }

  bool read_owner(Entry& entry) {
    std::size_t index = 0;
    if (owners_.size() > 1) {
      index = columns_[kOwners].varint_max(owners_.size() - 1);
      if (!columns_[kOwners].ok()) return wrong("impossible owner of an entry");
    }
    if (index > owners_seen_) return wrong("owners out of order");
    if (index == owners_seen_) ++owners_seen_;
    const Owner& owner = owners_[index];
    entry.uid = owner.uid;
    entry.gid = owner.gid;
    entry.user = owner.user;
    entry.group = owner.group;
    return true;
  }

  bool read_fixed(std::size_t i, Entry& entry) {
    std::uint16_t mode;
    std::memcpy(&mode, fixed_ + 2 * count_ + 2 * i, sizeof mode);
    if (mode > kModeBits) return wrong("unknown mode bits");
    entry.mode = mode;
    std::memcpy(&entry.mtime.nanoseconds, fixed_ + 4 * count_ + 4 * i, 4);
    return entry.mtime.nanoseconds < kNanosecondsPerSecond ? true : wrong("impossible time");
  }

  static std::int64_t sum(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  }

  bool read_times(std::size_t i, std::uint8_t presence, std::vector<Entry>& entries) {
    Entry& entry = entries[i];
    const std::int64_t before = i == 0 ? 0 : entries[i - 1].mtime.seconds;
    entry.mtime.seconds = sum(before, unzigzag(columns_[kTimes].varint()));
    if (!columns_[kTimes].ok()) return wrong("times cut off");
    if ((presence & kHasBirth) == 0) return true;
    ByteReader& births = columns_[kBirths];
    Timestamp birth;
    birth.seconds = sum(entry.mtime.seconds, unzigzag(births.varint()));
    birth.nanoseconds = births.u32();
    if (!births.ok() || birth.nanoseconds >= kNanosecondsPerSecond) return wrong("impossible time of birth");
    entry.birth = birth;
    return true;
  }

  bool read_content(Entry& entry) {
    if (has_content_size(entry.content_kind)) {
      entry.size = columns_[kSizes].varint();
      if (!columns_[kSizes].ok() || !content_size_fits(entry.content_kind, entry.size))
        return wrong("impossible size");
    }
    if (entry.content_kind == ContentKind::inline_bytes) {
      const ByteView content = columns_[kInlines].bytes(entry.size);
      if (!columns_[kInlines].ok()) return wrong("inline contents cut off");
      entry.inline_content.assign(content.begin(), content.end());
    } else if (has_ref(entry.content_kind)) {
      if (!read_ref(columns_[kRefs], entry.content)) return false;
    } else if (entry.type == EntryType::symlink) {
      entry.target = as_text(columns_[kTargets].sized(kMaxTargetBytes));
      if (!columns_[kTargets].ok() || entry.target.find('\0') != std::string::npos)
        return wrong("impossible target");
    }
    return true;
  }

  bool read_ref(ByteReader& column, ObjectId& out) {
    const std::uint64_t code = column.varint();
    const ObjectId* id = column.ok() ? refs_.decode(code) : nullptr;
    if (id == nullptr) return wrong("names a reference that it does not have");
    out = *id;
    return true;
  }

  bool read_rare(std::uint8_t presence, Entry& entry) {
    ByteReader& rare = columns_[kRare];
    if (is_device(entry.type)) entry.device = rare.varint();
    if ((presence & kHasAttributes) != 0) {
      entry.attributes = rare.varint();
      if (entry.attributes == 0) return wrong("a field that says nothing");
    }
    if ((presence & kHasHardLink) != 0) {
      if (entry.type == EntryType::directory) return wrong("a hard link to a directory");
      entry.hard_link = rare.id<HardLinkGroup>();
    }
    if ((presence & kHasKept) != 0 && !read_kept(rare, entry)) return false;
    if ((presence & kHasXattrs) != 0 && !read_xattrs(rare, entry)) return false;
    if ((presence & kHasUnknown) != 0 && !read_unknown(rare, entry)) return false;
    if (!rare.ok()) return wrong("rare fields cut off");
    // Only these two can make an entry too large.
    const bool unbounded = (presence & (kHasXattrs | kHasUnknown)) != 0;
    return !unbounded || entry_bytes_max(entry) <= kMaxEntryBytes ? true : wrong("an entry is too large");
  }

  bool read_kept(ByteReader& rare, Entry& entry) {
    Kept kept;
    const std::uint8_t reason = rare.u8();
    kept.reason = static_cast<KeptReason>(reason);
    kept.since.seconds = unzigzag(rare.varint());
    kept.since.nanoseconds = rare.u32();
    if (!rare.ok() || !is_kept_reason(reason) || kept.since.nanoseconds >= kNanosecondsPerSecond) {
      return wrong("impossible mark of a carried-over entry");
    }
    entry.kept = kept;
    return true;
  }

  bool read_xattrs(ByteReader& rare, Entry& entry) {
    const std::uint64_t count = rare.varint_max(std::min(kMaxXattrs, rare.remaining() / 3));
    if (!rare.ok() || count == 0) return wrong("impossible count of extended attributes");
    entry.xattrs.resize(count);
    const Xattr* previous = nullptr;
    for (Xattr& xattr : entry.xattrs) {
      xattr.name = as_text(rare.sized(kMaxXattrNameBytes));
      if (!rare.ok() || xattr.name.empty() || xattr.name.find('\0') != std::string::npos ||
          (previous != nullptr && previous->name >= xattr.name)) {
        return wrong("impossible name or order of extended attributes");
      }
      const std::uint64_t length = rare.varint_max(kInlineXattrBytes + 1);
      if (rare.ok() && length == 0) {
        if (!read_ref(rare, xattr.chunk.emplace())) return false;
      } else {
        const ByteView value = rare.bytes(length - 1);
        if (!rare.ok()) return wrong("extended attributes cut off");
        xattr.value.assign(value.begin(), value.end());
      }
      previous = &xattr;
    }
    return true;
  }

  bool read_unknown(ByteReader& rare, Entry& entry) {
    const std::uint64_t count = rare.varint_max(std::min(kMaxUnknownFields, rare.remaining() / 2));
    if (!rare.ok() || count == 0) return wrong("impossible count of unknown fields");
    entry.unknown.resize(count);
    std::uint64_t last = 0;
    for (UnknownField& field : entry.unknown) {
      field.tag = rare.varint();
      const ByteView value = rare.sized(kMaxEntryBytes);
      if (!rare.ok() || !is_optional_tag(field.tag) || field.tag <= last)
        return wrong("impossible unknown field");
      last = field.tag;
      field.value.assign(value.begin(), value.end());
    }
    return true;
  }

  ByteReader& reader_;
  RefDecoder refs_;
  std::vector<Owner> owners_;
  std::size_t owners_seen_ = 0;
  const std::uint8_t* fixed_ = nullptr;
  std::array<ByteReader, kColumns> columns_ = make_columns();
  std::size_t count_ = 0;
  std::size_t name_bytes_ = 0;
  const char* wrong_ = "";

  static std::array<ByteReader, kColumns> make_columns() {
    const ByteReader none{ByteView{}};
    return {none, none, none, none, none, none, none, none, none, none};
  }
};

Result<std::vector<PageChild>> decode_inner(std::span<const ObjectId> refs, ByteReader& reader) {
  const std::uint64_t count = reader.varint_max(kMaxPageItems);
  if (!reader.ok() || count == 0 || count != refs.size()) return corrupt_page("impossible count of pages");
  std::vector<PageChild> children(count);
  std::uint64_t entries = 0;
  std::size_t name_bytes = 0;
  std::string_view before;
  for (std::size_t i = 0; i < count; ++i) {
    PageChild& child = children[i];
    const std::uint64_t shared = reader.varint_max(kMaxNameBytes);
    const std::string_view suffix = as_text(reader.sized(kMaxNameBytes));
    child.entry_count = reader.varint_max(UINT64_MAX - entries);
    entries += child.entry_count;
    if (!reader.ok() || child.entry_count == 0 || !are_name_bytes(suffix))
      return corrupt_page("cut off, or an impossible number of entries");
    if (!next_name(before, shared, suffix, child.first_name))
      return corrupt_page("impossible name or order of names");
    name_bytes += child.first_name.size();
    if (name_bytes > kMaxMetadataBytes) return corrupt_page("too many bytes of names");
    child.id = refs[i];
    before = child.first_name;
  }
  if (!reader.done()) return corrupt_page("bytes after the end");
  return children;
}

}  // namespace

Result<TreePage> decode_tree_page(std::span<const ObjectId> refs, ByteView payload) {
  if (refs.size() > kMaxObjectRefs || refs.size() * ObjectId::kSize + payload.size() > kMaxMetadataBytes) {
    return corrupt_page("larger than any page may be");
  }
  ByteReader reader(payload);
  const std::uint8_t version = reader.u8();
  if (reader.ok() && version != kTreePageVersion)
    return fail(Errc::unsupported, "tree page: unknown version");
  TreePage page;
  page.level = reader.u8();
  if (!reader.ok() || page.level >= kMaxPageLevels) return corrupt_page("too many levels");
  if (!are_unique(refs)) return corrupt_page("a reference stands twice");
  if (page.level == 0) {
    RB_TRY(page.entries, LeafDecoder(refs, reader).decode());
  } else {
    RB_TRY(page.children, decode_inner(refs, reader));
  }
  return page;
}

}  // namespace rb
