// The rules about single fields of an entry that check_entry and the tree page's decoder share. Private to
// format/.
#pragma once

#include <cstring>

#include "base/limits.h"
#include "format/entry.h"

namespace rb {

inline constexpr std::uint32_t kNanosecondsPerSecond = 1'000'000'000;
inline constexpr std::uint32_t kModeBits = 07777;

constexpr bool is_entry_type(unsigned type) {
  return type >= 1 && type <= 7;
}
constexpr bool is_kept_reason(unsigned reason) {
  return reason >= 1 && reason <= 4;
}
constexpr bool is_device(EntryType type) {
  return type == EntryType::char_device || type == EntryType::block_device;
}

// Even tags would be fields that a reader must understand; there are none yet. Tags up to 127 are for later
// versions of this page, odd or even.
constexpr bool is_optional_tag(std::uint64_t tag) {
  return tag > 127 && (tag & 1) == 1;
}

constexpr bool content_fits(EntryType type, ContentKind kind) {
  switch (kind) {
    case ContentKind::none:
      return true;
    case ContentKind::inline_bytes:
    case ContentKind::chunk:
    case ContentKind::chunk_list:
      return type == EntryType::file;
    case ContentKind::tree:
      return type == EntryType::directory;
  }
  return false;
}

constexpr bool has_content_size(ContentKind kind) {
  return kind == ContentKind::inline_bytes || kind == ContentKind::chunk || kind == ContentKind::chunk_list;
}

constexpr bool has_ref(ContentKind kind) {
  return kind == ContentKind::chunk || kind == ContentKind::chunk_list || kind == ContentKind::tree;
}

// Requires: has_content_size(kind). An empty file has no content, so no size here is 0.
constexpr bool content_size_fits(ContentKind kind, std::uint64_t size) {
  if (size == 0) return false;
  if (kind == ContentKind::inline_bytes) return size <= kInlineContentBytes;
  if (kind == ContentKind::chunk) return size <= kMaxChunkBytes;
  return size <= static_cast<std::uint64_t>(INT64_MAX);  // what an offset in a file can say
}

// Whether none of the bytes is one that no name holds: '/' or NUL. Eight at a time, as every name of every
// page passes here.
inline bool are_name_bytes(std::string_view bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t word) { return ((word - kOnes) & ~word & kHighs) != 0; };
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    if (has_zero(word) || has_zero(word ^ (kOnes * '/'))) return false;
  }
  for (; left > 0; ++at, --left) {
    if (*at == '/' || *at == '\0') return false;
  }
  return true;
}

// A name that some directory could hold, as far as its length and dots go; the empty one is not.
inline bool has_name_form(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && name != "." && name != "..";
}

inline bool is_entry_name(std::string_view name) {
  return has_name_form(name) && are_name_bytes(name);
}

}  // namespace rb
