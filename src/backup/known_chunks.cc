#include "backup/known_chunks.h"

namespace rb {

std::optional<KnownChunk> KnownPath::at(std::uint64_t position) {
  while (next_ < chunks_.size() && static_cast<std::int64_t>(chunks_[next_].offset + moved_ - position) < 0)
    ++next_;
  if (next_ == chunks_.size() || chunks_[next_].offset + moved_ != position) return std::nullopt;
  KnownChunk chunk = chunks_[next_];
  chunk.offset = position;
  return chunk;
}

bool KnownPath::finds(const ObjectId& id, std::uint64_t position) {
  if (places_.empty()) {
    for (std::size_t i = 0; i < chunks_.size(); ++i)
      places_.emplace(chunks_[i].id, i);
  }
  const auto place = places_.find(id);
  if (place == places_.end()) return false;
  moved_ = position - chunks_[place->second].offset;
  next_ = place->second + 1;
  return true;
}

KnownChunks::KnownChunks(ObjectSource& source, const Entry& entry) {
  if (entry.content_kind != ContentKind::chunk && entry.content_kind != ContentKind::chunk_list) return;
  cursor_.emplace(source, entry);
  advance();
}

void KnownChunks::advance() {
  auto piece = cursor_->next();
  next_ = piece ? *piece : std::nullopt;
}

std::vector<KnownChunk> KnownChunks::take_until(std::uint64_t end) {
  std::vector<KnownChunk> chunks;
  while (next_ && next_->offset < end) {
    const ContentPiece piece = *next_;
    advance();
    if (!piece.chunk) continue;
    chunks.push_back({.offset = piece.offset,
                      .length = static_cast<std::size_t>(piece.length),
                      .id = *piece.chunk,
                      .ends_extent = !next_ || !next_->chunk});
  }
  return chunks;
}

}  // namespace rb
