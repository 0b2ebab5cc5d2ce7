#include "backup/file_segment.h"

#include <algorithm>

#include "backup/worker.h"

namespace rb {

namespace {

// Some eight chunks of usual size: two ways of cutting the same bytes have met by then nearly always.
constexpr std::uint64_t kLeadBytes = 1 << 20;
constexpr std::size_t kMaxParts = 4096;

}  // namespace

std::vector<SegmentPart> SegmentPlan::next() {
  std::vector<SegmentPart> parts;
  std::uint64_t bytes = 0;
  while (bytes < kSegmentBytes && parts.size() < kMaxParts) {
    if (!rest_) {
      rest_ = extents_.next();
      if (!rest_) break;
      rest_from_ = rest_->begin;
    }
    const std::uint64_t room = kSegmentBytes - bytes;
    const std::uint64_t end =
        rest_->is_hole || rest_->end - rest_from_ <= room ? rest_->end : rest_from_ + room;
    parts.push_back({rest_from_, end, rest_->begin, rest_->end, rest_->is_hole});
    if (!rest_->is_hole) bytes += end - rest_from_;
    rest_from_ = end;
    if (end == rest_->end) rest_.reset();
  }
  return parts;
}

void FileSegment::run(Worker& worker) {
  for (const SegmentPart& part : parts_) {
    if (shared_->abandoned || !status_) return;
    if (!part.is_hole) status_ = read(worker.files.stretches(), part);
  }
}

Status FileSegment::read(StretchReader& reader, const SegmentPart& part) {
  RB_TRY(const std::uint64_t begin, first_cut(reader, part));
  const Stretch stretch{shared_->fd.get(), begin, part.end, part.extent_end, known_};
  const auto ended = reader.read(stretch, [&](const CutChunk& chunk) -> Status {
    if (shared_->abandoned) return fail(Errc::cancelled, "not needed any more");
    chunks_.push_back(chunk);
    return {};
  });
  return ended ? Status() : std::unexpected(ended.error());
}

// A chunk that stands where it stood begins at a cut, as it did. Else a few chunks are cut before.
Result<std::uint64_t> FileSegment::first_cut(StretchReader& reader, const SegmentPart& part) const {
  if (part.begin == part.extent_begin) return part.begin;
  const auto known = std::ranges::lower_bound(known_, part.begin, {}, &KnownChunk::offset);
  if (known != known_.end() && known->offset < part.end) {
    RB_TRY(const bool is_there, reader.still_has(shared_->fd.get(), *known));
    if (is_there) return known->offset;
  }
  const std::uint64_t lead = std::min(kLeadBytes, part.begin - part.extent_begin);
  return reader.find_cut(shared_->fd.get(), part.begin - lead, part.begin, part.extent_end);
}

}  // namespace rb
