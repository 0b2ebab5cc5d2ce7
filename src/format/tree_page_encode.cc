#include <algorithm>
#include <memory>
#include <utility>

#include "base/byte_codec.h"
#include "base/limits.h"
#include "format/ref_codec.h"
#include "format/tree_page.h"
#include "format/tree_page_layout.h"

namespace rb {
namespace {

using namespace tree_page_layout;

std::size_t shared_prefix(std::string_view a, std::string_view b) {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t n = 0;
  while (n < most && a[n] == b[n])
    ++n;
  return n;
}

// Whether `name`, which has `shared` bytes in common with the name before, stands after it.
bool is_after(std::string_view before, std::size_t shared, std::string_view name) {
  if (shared == name.size()) return false;
  return shared == before.size() ||
         static_cast<std::uint8_t>(before[shared]) < static_cast<std::uint8_t>(name[shared]);
}

// The owners of a page's entries in the order of their first use, each once. Entries beside each other mostly
// have the same owner, and few owners share a directory.
class OwnerTable {
 public:
  std::size_t index_of(const Entry& entry) {
    if (!owners_.empty() && same(*owners_[last_], entry)) return last_;
    for (last_ = 0; last_ < owners_.size(); ++last_) {
      if (same(*owners_[last_], entry)) return last_;
    }
    owners_.push_back(&entry);
    return last_;
  }
  std::size_t size() const { return owners_.size(); }
  void write(ByteWriter& writer) const {
    writer.varint(owners_.size());
    for (const Entry* owner : owners_) {
      writer.varint(owner->uid);
      writer.varint(owner->gid);
      writer.sized(owner->user);
      writer.sized(owner->group);
    }
  }

 private:
  static bool same(const Entry& a, const Entry& b) {
    return a.uid == b.uid && a.gid == b.gid && a.user == b.user && a.group == b.group;
  }

  std::vector<const Entry*> owners_;
  std::size_t last_ = 0;
};

// A column written into room that is known to be enough.
class Column {
 public:
  Column() = default;
  explicit Column(std::uint8_t* room) : begin_(room), end_(room) {}

  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
      *end_++ = static_cast<std::uint8_t>(value | 0x80);
    }
    *end_++ = static_cast<std::uint8_t>(value);
  }
  void u32(std::uint32_t value) {
    std::memcpy(end_, &value, sizeof value);
    end_ += sizeof value;
  }
  void bytes(std::string_view text) {
    std::memcpy(end_, text.data(), text.size());
    end_ += text.size();
  }
  void clear() { end_ = begin_; }
  ByteView view() const { return {begin_, end_}; }

 private:
  std::uint8_t* begin_ = nullptr;
  std::uint8_t* end_ = nullptr;
};

class LeafEncoder {
 public:
  explicit LeafEncoder(const std::vector<Entry>& entries) : entries_(entries), refs_(entries.size() + 8) {}

  Object encode() {
    make_room();
    fixed_.resize(entries_.size() * kFixedBytes);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      add(i);
    }
    // One owner for all needs no column.
    if (owners_.size() == 1) owners_column_.clear();
    return assemble();
  }

 private:
  // The most an entry takes: a varint takes 10 bytes, of a name's length 2, of an owner's or reference's
  // index 3.
  static constexpr std::size_t kMaxLengths = 4, kMaxOwner = 3, kMaxSize = 10, kMaxTime = 10, kMaxBirth = 14,
                               kMaxRef = 3;

  void make_room() {
    const std::size_t n = entries_.size();
    std::size_t names = 0;
    for (const Entry& entry : entries_) {
      names += entry.name.size();
    }
    RB_ASSERT(names <= kMaxMetadataBytes);
    const std::size_t numbers = kMaxLengths + kMaxOwner + kMaxSize + kMaxTime + kMaxBirth + kMaxRef;
    room_ = std::make_unique_for_overwrite<std::uint8_t[]>(n * numbers + names);
    std::uint8_t* at = room_.get();
    const auto column = [&at](std::size_t bytes) { return Column(std::exchange(at, at + bytes)); };
    lengths_ = column(n * kMaxLengths);
    names_ = column(names);
    owners_column_ = column(n * kMaxOwner);
    sizes_ = column(n * kMaxSize);
    times_ = column(n * kMaxTime);
    births_ = column(n * kMaxBirth);
    refs_column_ = column(n * kMaxRef);
  }

  void add(std::size_t i) {
    const Entry& entry = entries_[i];
    RB_ASSERT(check_entry(entry));
    RB_ASSERT(!entry.name.empty() || entries_.size() == 1);
    const std::uint8_t presence = presence_of(entry);
    add_fixed(i, entry, presence);
    add_name(entry.name, i == 0 ? std::string_view() : entries_[i - 1].name, i == 0);
    owners_column_.varint(owners_.index_of(entry));
    if (has_content_size(entry.content_kind)) sizes_.varint(entry.size);
    const std::int64_t before = i == 0 ? 0 : entries_[i - 1].mtime.seconds;
    times_.varint(zigzag(difference(entry.mtime.seconds, before)));
    if (entry.birth) {
      births_.varint(zigzag(difference(entry.birth->seconds, entry.mtime.seconds)));
      births_.u32(entry.birth->nanoseconds);
    }
    if (has_ref(entry.content_kind)) refs_column_.varint(refs_.encode(entry.content));
    if (entry.type == EntryType::symlink) ByteWriter(targets_).sized(entry.target);
    if (!entry.inline_content.empty()) append(inlines_, entry.inline_content);
    if ((presence & kRareMask) != 0 || is_device(entry.type)) add_rare(entry);
  }

  static std::int64_t difference(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
  }

  static std::uint8_t presence_of(const Entry& entry) {
    return static_cast<std::uint8_t>((entry.birth ? kHasBirth : 0) | (entry.xattrs.empty() ? 0 : kHasXattrs) |
                                     (entry.hard_link ? kHasHardLink : 0) | (entry.kept ? kHasKept : 0) |
                                     (entry.attributes != 0 ? kHasAttributes : 0) |
                                     (entry.unknown.empty() ? 0 : kHasUnknown));
  }

  void add_fixed(std::size_t i, const Entry& entry, std::uint8_t presence) {
    const std::size_t n = entries_.size();
    std::uint8_t* base = fixed_.data();
    base[i] = shape_of(entry.type, entry.content_kind, entry.implied);
    base[n + i] = presence;
    const auto mode = static_cast<std::uint16_t>(entry.mode);
    std::memcpy(base + 2 * n + 2 * i, &mode, sizeof mode);
    std::memcpy(base + 4 * n + 4 * i, &entry.mtime.nanoseconds, 4);
  }

  void add_name(std::string_view name, std::string_view before, bool first) {
    const std::size_t shared = shared_prefix(before, name);
    RB_ASSERT(first || is_after(before, shared, name));
    lengths_.varint(shared);
    lengths_.varint(name.size() - shared);
    names_.bytes(name.substr(shared));
  }

  void add_rare(const Entry& entry) {
    ByteWriter writer(rare_);
    if (is_device(entry.type)) writer.varint(entry.device);
    if (entry.attributes != 0) writer.varint(entry.attributes);
    if (entry.hard_link) writer.bytes(entry.hard_link->view());
    if (entry.kept) {
      writer.u8(static_cast<std::uint8_t>(entry.kept->reason));
      writer.varint(zigzag(entry.kept->since.seconds));
      writer.u32(entry.kept->since.nanoseconds);
    }
    if (!entry.xattrs.empty()) add_xattrs(writer, entry.xattrs);
    if (!entry.unknown.empty()) {
      writer.varint(entry.unknown.size());
      for (const UnknownField& field : entry.unknown) {
        writer.varint(field.tag);
        writer.sized(field.value);
      }
    }
  }

  void add_xattrs(ByteWriter& writer, const std::vector<Xattr>& xattrs) {
    writer.varint(xattrs.size());
    for (const Xattr& xattr : xattrs) {
      writer.sized(xattr.name);
      if (xattr.chunk) {
        writer.varint(0);
        writer.varint(refs_.encode(*xattr.chunk));
      } else {
        writer.varint(xattr.value.size() + 1);
        writer.bytes(xattr.value);
      }
    }
  }

  Object assemble() {
    // In the order of ColumnIndex in tree_page_layout.h.
    const std::array<ByteView, kColumns> columns = {
        lengths_.view(), names_.view(),  owners_column_.view(), sizes_.view(),
        times_.view(),   births_.view(), refs_column_.view(),   targets_,
        inlines_,        rare_};
    Bytes payload;
    std::size_t total = 64 + fixed_.size();
    for (const ByteView column : columns) {
      total += column.size();
    }
    payload.reserve(total);
    ByteWriter writer(payload);
    writer.u8(kTreePageVersion);
    writer.u8(0);
    writer.varint(entries_.size());
    if (!entries_.empty()) {
      owners_.write(writer);
      for (const ByteView column : columns) {
        writer.varint(column.size());
      }
      writer.bytes(fixed_);
      for (const ByteView column : columns) {
        writer.bytes(column);
      }
    }
    return {.kind = ObjectKind::tree, .refs = refs_.take(), .payload = std::move(payload)};
  }

  const std::vector<Entry>& entries_;
  std::unique_ptr<std::uint8_t[]> room_;  // of the seven columns that follow
  Column lengths_, names_, owners_column_, sizes_, times_, births_, refs_column_;
  Bytes targets_, inlines_, rare_;
  Bytes fixed_;
  OwnerTable owners_;
  RefEncoder refs_;
};

Object encode_inner(const TreePage& page) {
  RB_ASSERT(!page.children.empty());
  Object object{.kind = ObjectKind::tree};
  object.payload.reserve(8 + page.children.size() * 24);
  object.refs.reserve(page.children.size());
  ByteWriter writer(object.payload);
  writer.u8(kTreePageVersion);
  writer.u8(static_cast<std::uint8_t>(page.level));
  writer.varint(page.children.size());
  const PageChild* previous = nullptr;
  std::uint64_t entries = 0;
  for (const PageChild& child : page.children) {
    RB_ASSERT(is_entry_name(child.first_name) && child.entry_count > 0);
    const std::string_view before = previous == nullptr ? std::string_view() : previous->first_name;
    const std::size_t shared = shared_prefix(before, child.first_name);
    RB_ASSERT(is_after(before, shared, child.first_name));
    writer.varint(shared);
    writer.sized(std::string_view(child.first_name).substr(shared));
    writer.varint(child.entry_count);
    RB_ASSERT(child.entry_count <= UINT64_MAX - entries);
    entries += child.entry_count;
    object.refs.push_back(child.id);
    previous = &child;
  }
  RB_ASSERT(are_unique(object.refs));
  return object;
}

}  // namespace

Object encode_tree_page(const TreePage& page) {
  RB_ASSERT(page.level >= 0 && page.level < kMaxPageLevels);
  RB_ASSERT(page.level == 0 ? page.children.empty() : page.entries.empty());
  RB_ASSERT(page.entries.size() <= kMaxPageItems && page.children.size() <= kMaxPageItems);
  Object object = page.level == 0 ? LeafEncoder(page.entries).encode() : encode_inner(page);
  RB_ASSERT(object.refs.size() <= kMaxObjectRefs);
  RB_ASSERT(object.refs.size() * ObjectId::kSize + object.payload.size() <= kMaxMetadataBytes);
  return object;
}

int level_of_page(ByteView payload) {
  return payload[1];
}

}  // namespace rb
