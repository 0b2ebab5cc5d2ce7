// A part of a large file that is read by itself, beside others, and cut where the whole file would be cut:
// what stands before a cut does not matter to those behind it, so cutting from somewhere before the segment
// soon falls into step. Whoever joins the segments sees where it did not. A leaf of the pool's work.
#pragma once

#include <atomic>

#include "backup/extent_scan.h"
#include "backup/stretch_reader.h"
#include "backup/worker_pool.h"
#include "base/unique_fd.h"

namespace rb {

// Data of one extent, or a hole.
struct SegmentPart {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t extent_begin = 0, extent_end = 0;
  bool is_hole = false;
};

// Divides a file into segments.
class SegmentPlan {
 public:
  // Many more than one per core in a file that is worth it, and long beside what it costs to fall into step.
  static constexpr std::uint64_t kSegmentBytes = 16 << 20;

  SegmentPlan(int fd, std::uint64_t size) : extents_(fd, size) {}

  // The parts of the next segment, in order; none at the end. Holes cost nothing, but a segment is bounded in
  // parts too.
  std::vector<SegmentPart> next();

 private:
  ExtentScan extents_;
  std::optional<Extent> rest_;  // of an extent, not given yet
  std::uint64_t rest_from_ = 0;
};

class FileSegment final : public WorkerPool::Leaf {
 public:
  // What the segments of one reading share.
  struct Shared {
    UniqueFd fd;
    std::atomic<bool> abandoned = false;
  };
  FileSegment(std::shared_ptr<Shared> shared, std::vector<SegmentPart> parts, std::vector<KnownChunk> known)
      : shared_(std::move(shared)), parts_(std::move(parts)), known_(std::move(known)) {}

  void run(Worker& worker) override;

  // After it ran: why not all of it could be read, and the chunks it was cut into, by offset. The first ones
  // of a part that continues an extent may not be where the file as a whole is cut.
  const Status& status() const { return status_; }
  const std::vector<CutChunk>& chunks() const { return chunks_; }
  const std::vector<SegmentPart>& parts() const { return parts_; }
  const std::vector<KnownChunk>& known() const { return known_; }

 private:
  Status read(StretchReader& reader, const SegmentPart& part);
  Result<std::uint64_t> first_cut(StretchReader& reader, const SegmentPart& part) const;

  const std::shared_ptr<Shared> shared_;
  const std::vector<SegmentPart> parts_;
  const std::vector<KnownChunk> known_;
  Status status_;
  std::vector<CutChunk> chunks_;
};

}  // namespace rb
