#include "backup/segment_joiner.h"

namespace rb {

Status SegmentJoiner::take_hole(const SegmentPart& part) {
  position_ = part.end;
  return list_.add_hole(part.end - part.begin);
}

Status SegmentJoiner::take(const CutChunk& chunk) {
  position_ = chunk.end();
  return list_.add_chunk(chunk.length, chunk.id);
}

Status SegmentJoiner::cut_until(const SegmentPart& part, std::uint64_t stop,
                                std::span<const KnownChunk> known) {
  const Stretch stretch{fd_, position_, stop, part.extent_end, known};
  RB_TRY(const std::uint64_t end, reader_.read(stretch, [&](const CutChunk& chunk) { return take(chunk); }));
  ended_ = end < stop;
  return {};
}

Status SegmentJoiner::read(std::span<const SegmentPart> parts, std::span<const KnownChunk> known) {
  for (const SegmentPart& part : parts) {
    if (ended_) break;
    RB_TRY(part.is_hole ? take_hole(part) : cut_until(part, part.end, known));
  }
  return {};
}

Status SegmentJoiner::join(const FileSegment& segment) {
  RB_TRY(segment.status());
  auto chunk = segment.chunks().begin();
  for (const SegmentPart& part : segment.parts()) {
    if (part.is_hole) RB_TRY(take_hole(part));
    while (!part.is_hole && !ended_ && position_ < part.end) {
      while (chunk != segment.chunks().end() && chunk->offset < position_)
        ++chunk;
      const bool meet = chunk != segment.chunks().end() && chunk->offset == position_;
      Status taken = meet ? take(*chunk) : cut_until(part, position_ + 1, segment.known());
      if (!taken && meet) monitor_.stop_with(taken.error());
      RB_TRY(std::move(taken));
    }
    if (ended_) break;
  }
  return {};
}

}  // namespace rb
