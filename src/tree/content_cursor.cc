#include "tree/content_cursor.h"

#include <algorithm>

#include "base/limits.h"

namespace rb {

namespace {
constexpr std::size_t kPagesAhead = 64;  // of some 700 MiB of a file
}

ContentCursor::ContentCursor(ObjectSource& source, const Entry& entry)
    : source_(&source),
      root_(entry.content),
      single_(entry.content_kind == ContentKind::chunk),
      size_(entry.size) {
  RB_ASSERT(single_ || entry.content_kind == ContentKind::chunk_list);
}

Status ContentCursor::open(const ObjectId& id, std::optional<int> level, std::uint64_t length) {
  RB_TRY(std::shared_ptr<const Object> object, source_->load(id));
  if (object->kind != ObjectKind::chunk_list) return fail(Errc::corrupt, "a chunk list is of another kind");
  RB_TRY(ChunkListPage page, decode_chunk_list(object->refs, object->payload));
  if (page.level > kMaxPageLevels || (level && page.level != *level)) {
    return fail(Errc::corrupt, "a chunk list page is of the wrong level");
  }
  std::uint64_t total = 0;
  for (const ChunkListItem& item : page.items) {
    if (item.length > length - total) return fail(Errc::corrupt, "a chunk list is longer than its file");
    total += item.length;
  }
  if (total != length) return fail(Errc::corrupt, "a chunk list is shorter than its file");
  frames_.push_back({std::move(page), 0});
  return {};
}

// Of a file that changes, more and more pages lie scattered among those of other files and of earlier times.
void ContentCursor::read_ahead(const Frame& frame) {
  if (frame.page.level == 0 || frame.index % kPagesAhead != 0) return;
  const std::span<const ChunkListItem> left = std::span(frame.page.items).subspan(frame.index);
  std::vector<ObjectId> ids;
  for (const ChunkListItem& item : left.first(std::min(left.size(), kPagesAhead))) {
    if (item.id) ids.push_back(*item.id);
  }
  source_->prefetch(ids, Neighbours::unwanted);
}

Result<std::optional<ContentPiece>> ContentCursor::next() {
  if (single_) {
    if (started_) return std::nullopt;
    started_ = true;
    if (size_ > kMaxChunkBytes) return fail(Errc::corrupt, "a chunk is longer than a chunk may be");
    return ContentPiece{0, size_, root_};
  }
  if (!started_) {
    started_ = true;
    RB_TRY(open(root_, std::nullopt, size_));
  }
  while (!frames_.empty()) {
    Frame& top = frames_.back();
    if (top.index == top.page.items.size()) {
      frames_.pop_back();
      continue;
    }
    read_ahead(top);
    const ChunkListItem item = top.page.items[top.index++];
    if (item.id && top.page.level > 0) {
      RB_TRY(open(*item.id, top.page.level - 1, item.length));
      continue;
    }
    if (item.id && item.length > kMaxChunkBytes) {
      return fail(Errc::corrupt, "a chunk is longer than a chunk may be");
    }
    ContentPiece piece{offset_, item.length, item.id};
    offset_ += item.length;
    return piece;
  }
  return std::nullopt;
}

}  // namespace rb
