// Puts the segments of one file together into its chunk list, in order: what a segment was cut into counts
// from where the segments before it end, and where the two don't meet, the file is cut again until they do.
#pragma once

#include "backup/chunk_list_builder.h"
#include "backup/file_segment.h"

namespace rb {

class SegmentJoiner {
 public:
  // Borrows all of them.
  SegmentJoiner(int fd, StretchReader& reader, ChunkListBuilder& list, RunMonitor& monitor)
      : fd_(fd), reader_(reader), list_(list), monitor_(monitor) {}

  // Of a segment that ran.
  Status join(const FileSegment& segment);
  // Of one that nobody ran: reads it.
  Status read(std::span<const SegmentPart> parts, std::span<const KnownChunk> known);

  // The file is shorter than was said: what follows is not there.
  bool ended() const { return ended_; }

 private:
  Status take_hole(const SegmentPart& part);
  Status take(const CutChunk& chunk);
  Status cut_until(const SegmentPart& part, std::uint64_t stop, std::span<const KnownChunk> known);

  const int fd_;
  StretchReader& reader_;
  ChunkListBuilder& list_;
  RunMonitor& monitor_;
  std::uint64_t position_ = 0;
  bool ended_ = false;
};

}  // namespace rb
