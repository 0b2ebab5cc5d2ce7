#include <algorithm>
#include <memory>

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

class LeafEncoder {
 public:
  explicit LeafEncoder(const std::vector<Entry>& entries) : entries_(entries), refs_(entries.size() + 8) {}

  Object encode() {
    for (std::size_t i = 0; i < kColumns; ++i)
      columns_[i].reserve(entries_.size() * kGuess[i]);
    fixed_.resize(entries_.size() * kFixedBytes);
    for (std::size_t i = 0; i < entries_.size(); ++i)
      add(i);
    // One owner for all needs no column.
    if (owners_.size() == 1) columns_[kOwners].clear();
    return assemble();
  }

 private:
  // Bytes an entry takes in each column, roughly.
  static constexpr std::array<std::size_t, kColumns> kGuess = {2, 16, 1, 3, 4, 8, 1, 0, 0, 0};

  ByteWriter column(Column which) { return ByteWriter(columns_[which]); }

  void add(std::size_t i) {
    const Entry& entry = entries_[i];
    RB_ASSERT(check_entry(entry));
    RB_ASSERT(!entry.name.empty() || entries_.size() == 1);
    add_fixed(i, entry);
    add_name(entry.name, i == 0 ? std::string_view() : entries_[i - 1].name, i == 0);
    column(kOwners).varint(owners_.index_of(entry));
    if (has_content_size(entry.content_kind)) column(kSizes).varint(entry.size);
    const std::int64_t before = i == 0 ? 0 : entries_[i - 1].mtime.seconds;
    column(kTimes).varint(zigzag(difference(entry.mtime.seconds, before)));
    if (entry.birth) {
      column(kBirths).varint(zigzag(difference(entry.birth->seconds, entry.mtime.seconds)));
      column(kBirths).u32(entry.birth->nanoseconds);
    }
    if (has_ref(entry.content_kind)) column(kRefs).varint(refs_.encode(entry.content));
    if (entry.type == EntryType::symlink) column(kTargets).sized(entry.target);
    if (!entry.inline_content.empty()) column(kInlines).bytes(entry.inline_content);
    if ((presence_of(entry) & kRareMask) != 0 || is_device(entry.type)) add_rare(entry);
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

  void add_fixed(std::size_t i, const Entry& entry) {
    const std::size_t n = entries_.size();
    std::uint8_t* base = fixed_.data();
    base[i] = shape_of(entry.type, entry.content_kind, entry.implied);
    base[n + i] = presence_of(entry);
    const auto mode = static_cast<std::uint16_t>(entry.mode);
    std::memcpy(base + 2 * n + 2 * i, &mode, sizeof mode);
    std::memcpy(base + 4 * n + 4 * i, &entry.mtime.nanoseconds, 4);
  }

  void add_name(std::string_view name, std::string_view before, bool first) {
    RB_ASSERT(first || before < name);
    const std::size_t shared = shared_prefix(before, name);
    column(kNameLengths).varint(shared);
    column(kNameLengths).varint(name.size() - shared);
    column(kNames).bytes(as_bytes(name.substr(shared)));
    name_bytes_ += name.size();
  }

  void add_rare(const Entry& entry) {
    ByteWriter writer = column(kRare);
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
    RB_ASSERT(name_bytes_ <= kMaxMetadataBytes);
    Bytes payload;
    std::size_t total = 64 + fixed_.size();
    for (const Bytes& column : columns_)
      total += column.size();
    payload.reserve(total);
    ByteWriter writer(payload);
    writer.u8(kVersion);
    writer.u8(0);
    writer.varint(entries_.size());
    if (!entries_.empty()) {
      owners_.write(writer);
      for (const Bytes& column : columns_)
        writer.varint(column.size());
      writer.bytes(fixed_);
      for (const Bytes& column : columns_)
        writer.bytes(column);
    }
    return {.kind = ObjectKind::tree, .refs = refs_.take(), .payload = std::move(payload)};
  }

  const std::vector<Entry>& entries_;
  std::array<Bytes, kColumns> columns_;
  Bytes fixed_;
  OwnerTable owners_;
  RefEncoder refs_;
  std::size_t name_bytes_ = 0;
};

Object encode_inner(const TreePage& page) {
  RB_ASSERT(!page.children.empty());
  Object object{.kind = ObjectKind::tree};
  object.payload.reserve(8 + page.children.size() * 24);
  object.refs.reserve(page.children.size());
  ByteWriter writer(object.payload);
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(page.level));
  writer.varint(page.children.size());
  const PageChild* previous = nullptr;
  std::uint64_t entries = 0;
  for (const PageChild& child : page.children) {
    RB_ASSERT(is_entry_name(child.first_name) && child.entry_count > 0);
    RB_ASSERT(previous == nullptr || previous->first_name < child.first_name);
    const std::size_t shared =
        previous == nullptr ? 0 : shared_prefix(previous->first_name, child.first_name);
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

}  // namespace rb
