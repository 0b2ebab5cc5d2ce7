#include "backup/known_chunks.h"

namespace rb {

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
