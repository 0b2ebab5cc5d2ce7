#include "backup/chunk_list_builder.h"

#include "base/limits.h"

namespace rb {

namespace {

// A page of 128 items on average is about 5 KiB: what a change in a large file costs per level. The minimum
// makes each level at least eight times smaller than the one below, the maximum bounds a page of a file of
// equal chunks.
constexpr std::size_t kMinItems = 8, kMaxItems = 1024;
constexpr std::uint32_t kBoundaryMask = 127;

bool ends_page(const ChunkListItem& item, std::size_t count) {
  if (count >= kMaxItems) return true;
  if (count < kMinItems || !item.id) return false;
  return ((item.id->bytes[30] | item.id->bytes[31] << 8) & kBoundaryMask) == 0;
}

}  // namespace

Status ChunkListBuilder::add_chunk(std::uint64_t length, const ObjectId& chunk) {
  RB_TRY(settle_hole());
  size_ += length;
  return add(0, {.length = length, .id = chunk});
}

Status ChunkListBuilder::add_hole(std::uint64_t length) {
  hole_ += length;
  size_ += length;
  return {};
}

Status ChunkListBuilder::settle_hole() {
  if (hole_ == 0) return {};
  const std::uint64_t length = std::exchange(hole_, 0);
  return add(0, {.length = length, .id = std::nullopt});
}

Status ChunkListBuilder::add(std::size_t level, ChunkListItem item) {
  RB_ASSERT(level < static_cast<std::size_t>(kMaxPageLevels));
  if (levels_.size() == level) levels_.emplace_back();
  Level& at = levels_[level];
  at.bytes += item.length;
  at.open.push_back(item);
  if (ends_page(item, at.open.size())) return close(level);
  return {};
}

Status ChunkListBuilder::close(std::size_t level) {
  Level& at = levels_[level];
  const std::uint64_t bytes = std::exchange(at.bytes, 0);
  RB_TRY(
      const ObjectId id,
      sink_.put(encode_chunk_list({.level = static_cast<int>(level), .items = std::exchange(at.open, {})})));
  at.closed_any = true;
  return add(level + 1, {.length = bytes, .id = id});
}

Result<ChunkListBuilder::Content> ChunkListBuilder::finish() {
  RB_TRY(settle_hole());
  if (levels_.empty()) return Content{};
  if (levels_.size() == 1 && levels_[0].open.size() == 1 && levels_[0].open[0].id) {
    return Content{.kind = ContentKind::chunk, .id = *levels_[0].open[0].id, .size = size_};
  }
  for (std::size_t level = 0;; ++level) {
    // The top holds one page that was closed below it: that page is the root.
    if (level + 1 == levels_.size() && level > 0 && !levels_[level].closed_any &&
        levels_[level].open.size() == 1) {
      return Content{.kind = ContentKind::chunk_list, .id = *levels_[level].open[0].id, .size = size_};
    }
    if (!levels_[level].open.empty()) RB_TRY(close(level));
  }
}

}  // namespace rb
