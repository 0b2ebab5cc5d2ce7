// What the encoder and the decoder of tree pages share. The layout itself is in docs/format.md, "Tree page".
// Private to format/.
#pragma once

#include <array>
#include <cstdint>

#include "format/entry_rules.h"

namespace rb::tree_page_layout {

inline constexpr std::uint8_t kTreePageVersion = 0;

// The columns of a leaf whose width varies, in the order in which they stand.
enum ColumnIndex : std::size_t {
  kNameLengths,
  kNames,
  kOwners,
  kSizes,
  kTimes,
  kBirths,
  kRefs,
  kTargets,
  kInlines,
  kRare,
  kColumns
};

// Bytes an entry has in the columns of fixed width: shape, presence, mode, nanoseconds.
inline constexpr std::size_t kFixedBytes = 1 + 1 + 2 + 4;

// Shape: type, kind of content, implied.
inline constexpr std::uint8_t kTypeMask = 0x07;
inline constexpr std::uint8_t kImplied = 0x08;
inline constexpr unsigned kContentShift = 4;

constexpr std::uint8_t shape_of(EntryType type, ContentKind content, bool implied) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(type) | (implied ? kImplied : 0) |
                                   (static_cast<unsigned>(content) << kContentShift));
}

constexpr bool is_shape(unsigned shape) {
  const unsigned content = shape >> kContentShift;
  if (!is_entry_type(shape & kTypeMask) || content > static_cast<unsigned>(ContentKind::tree)) return false;
  const auto type = static_cast<EntryType>(shape & kTypeMask);
  if ((shape & kImplied) != 0 && type != EntryType::directory) return false;
  return content_fits(type, static_cast<ContentKind>(content));
}

// By shape: whether there is such a thing.
inline constexpr auto kShapes = [] {
  std::array<bool, 256> shapes{};
  for (unsigned i = 0; i < 256; ++i)
    shapes[i] = is_shape(i);
  return shapes;
}();

// Presence of the optional fields.
inline constexpr std::uint8_t kHasBirth = 0x01;
inline constexpr std::uint8_t kHasXattrs = 0x02;
inline constexpr std::uint8_t kHasHardLink = 0x04;
inline constexpr std::uint8_t kHasKept = 0x08;
inline constexpr std::uint8_t kHasAttributes = 0x10;
inline constexpr std::uint8_t kHasUnknown = 0x20;
inline constexpr std::uint8_t kPresenceMask = 0x3f;
// Those whose values stand in the column kRare.
inline constexpr std::uint8_t kRareMask = kPresenceMask & ~kHasBirth;

}  // namespace rb::tree_page_layout
