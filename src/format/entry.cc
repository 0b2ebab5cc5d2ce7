#include "format/entry.h"

#include <algorithm>

#include "base/limits.h"
#include "format/entry_rules.h"

namespace rb {
namespace {

Status invalid(const char* what) {
  return fail(Errc::invalid_argument, what);
}

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

bool valid_time(const Timestamp& time) {
  return time.nanoseconds < kNanosecondsPerSecond;
}

Status check_owner(const Entry& entry) {
  if (entry.user.size() > kMaxOwnerNameBytes || entry.group.size() > kMaxOwnerNameBytes) {
    return invalid("the name of a user or group is too long");
  }
  return {};
}

Status check_content(const Entry& entry) {
  if (!content_fits(entry.type, entry.content_kind)) return invalid("the content does not fit the type");
  if (!has_content_size(entry.content_kind) && entry.size != 0) return invalid("a size without a content");
  if (has_content_size(entry.content_kind) && !content_size_fits(entry.content_kind, entry.size)) {
    return invalid("the size does not fit the kind of content");
  }
  if (entry.inline_content.size() != (entry.content_kind == ContentKind::inline_bytes ? entry.size : 0)) {
    return invalid("the inline content does not have the entry's size");
  }
  if (!has_ref(entry.content_kind) && !entry.content.is_zero()) return invalid("an id without a content");
  return {};
}

Status check_xattrs(const std::vector<Xattr>& xattrs) {
  if (xattrs.size() > kMaxXattrs) return invalid("too many extended attributes");
  for (std::size_t i = 0; i < xattrs.size(); ++i) {
    const Xattr& xattr = xattrs[i];
    if (xattr.name.empty() || xattr.name.size() > kMaxXattrNameBytes || has_nul(xattr.name)) {
      return invalid("impossible name of an extended attribute");
    }
    if (i > 0 && xattrs[i - 1].name >= xattr.name) return invalid("extended attributes out of order");
    if (xattr.value.size() > (xattr.chunk ? 0 : kInlineXattrBytes)) {
      return invalid("the value of an extended attribute is too long for an entry");
    }
  }
  return {};
}

Status check_unknown(const std::vector<UnknownField>& fields) {
  if (fields.size() > kMaxUnknownFields) return invalid("too many unknown fields");
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!is_optional_tag(fields[i].tag)) return invalid("impossible tag of an unknown field");
    if (i > 0 && fields[i - 1].tag >= fields[i].tag) return invalid("unknown fields out of order");
  }
  return {};
}

Status check_type_specific(const Entry& entry) {
  if (entry.implied && entry.type != EntryType::directory)
    return invalid("an implied entry that is no directory");
  if (!is_device(entry.type) && entry.device != 0) return invalid("a device number on something else");
  if (entry.type != EntryType::symlink && !entry.target.empty()) return invalid("a target on something else");
  if (entry.target.size() > kMaxTargetBytes || has_nul(entry.target))
    return invalid("impossible symlink target");
  if (entry.type == EntryType::directory && entry.hard_link) return invalid("a hard link to a directory");
  return {};
}

}  // namespace

std::string_view to_string(EntryType type) {
  switch (type) {
    case EntryType::file:
      return "file";
    case EntryType::directory:
      return "directory";
    case EntryType::symlink:
      return "symlink";
    case EntryType::fifo:
      return "fifo";
    case EntryType::socket:
      return "socket";
    case EntryType::char_device:
      return "character device";
    case EntryType::block_device:
      return "block device";
  }
  return "unknown type";
}

std::string_view to_string(KeptReason reason) {
  switch (reason) {
    case KeptReason::absent:
      return "absent";
    case KeptReason::unreadable:
      return "unreadable";
    case KeptReason::excluded:
      return "excluded";
    case KeptReason::unmounted:
      return "unmounted";
  }
  return "unknown reason";
}

Status check_entry(const Entry& entry) {
  if (!is_entry_type(static_cast<unsigned>(entry.type))) return invalid("unknown type of entry");
  if (entry.name.empty() ? entry.type != EntryType::directory : !is_entry_name(entry.name)) {
    return invalid("impossible name");
  }
  if (entry.mode > kModeBits) return invalid("unknown mode bits");
  if (!valid_time(entry.mtime) || (entry.birth && !valid_time(*entry.birth)))
    return invalid("impossible time");
  if (entry.kept &&
      (!is_kept_reason(static_cast<unsigned>(entry.kept->reason)) || !valid_time(entry.kept->since))) {
    return invalid("impossible mark of a carried-over entry");
  }
  RB_TRY(check_owner(entry));
  RB_TRY(check_type_specific(entry));
  RB_TRY(check_content(entry));
  RB_TRY(check_xattrs(entry.xattrs));
  RB_TRY(check_unknown(entry.unknown));
  if (entry_bytes_max(entry) > kMaxEntryBytes) return invalid("too many or too long attributes");
  return {};
}

std::size_t entry_bytes_max(const Entry& entry) {
  constexpr std::size_t kFixed = 192;   // every number at its longest
  constexpr std::size_t kVarints = 20;  // the longest tag and length, or length and reference
  std::size_t bytes = kFixed + entry.name.size() + entry.user.size() + entry.group.size() +
                      entry.target.size() + entry.inline_content.size() + ObjectId::kSize;
  for (const Xattr& xattr : entry.xattrs) {
    bytes += kVarints + xattr.name.size() + xattr.value.size() + (xattr.chunk ? ObjectId::kSize : 0);
  }
  for (const UnknownField& field : entry.unknown)
    bytes += kVarints + field.value.size();
  return bytes;
}

}  // namespace rb
