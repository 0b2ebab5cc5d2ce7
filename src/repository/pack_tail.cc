#include "repository/pack_tail.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "format/pack_format.h"

namespace rb {

namespace {

// Below this a write of its own for the whole blocks costs more than it saves.
constexpr std::size_t kDirectBytesMin = 64 << 10;
// One that is being written, one that is being filled, and one of a pack that has just become full.
constexpr std::size_t kSpareMax = 3;

std::size_t stretch_bytes_max() {
  const std::size_t bytes = PackTail::kFullBytes + pack_record_bytes_max() + kDeviceBlock;
  return (bytes + kDeviceBlock - 1) / kDeviceBlock * kDeviceBlock;
}

}  // namespace

BlockMemory::BlockMemory(std::size_t bytes)
    : bytes_(static_cast<std::uint8_t*>(std::aligned_alloc(kDeviceBlock, bytes))) {
  if (!bytes_) throw std::bad_alloc();
}

BlockMemory StretchMemory::take() {
  if (spare_.empty()) return BlockMemory(stretch_bytes_max());
  BlockMemory memory = std::move(spare_.back());
  spare_.pop_back();
  return memory;
}

void StretchMemory::give_back(BlockMemory memory) {
  if (spare_.size() < kSpareMax) spare_.push_back(std::move(memory));
}

Status write_stretch(File& file, const PackStretch& stretch) {
  const ByteView all(stretch.memory.data(), stretch.bytes);
  const std::size_t whole_blocks = all.size() / kDeviceBlock * kDeviceBlock;
  if (whole_blocks < kDirectBytesMin)
    return file.write_at(stretch.offset + stretch.known, all.subspan(stretch.known));
  RB_TRY(file.write_at(stretch.offset, all.first(whole_blocks)));
  const ByteView rest = all.subspan(whole_blocks);
  return rest.empty() ? Status() : file.write_at(stretch.offset + whole_blocks, rest);
}

PackTail::PackTail(ByteView header) : end_(header.size()), open_block_(header.begin(), header.end()) {
  RB_ASSERT(header.size() < kDeviceBlock);
}

std::span<std::uint8_t> PackTail::add(std::size_t bytes, StretchMemory& memory) {
  RB_ASSERT(!is_full() && bytes <= pack_record_bytes_max());
  if (!stretch_) {
    stretch_ = std::make_unique<PackStretch>(PackStretch{.memory = memory.take()});
    stretch_->offset = end_ - open_block_.size();
    stretch_->known = stretch_->bytes = open_block_.size();
    std::ranges::copy(open_block_, stretch_->memory.data());
  }
  const std::span<std::uint8_t> room(stretch_->memory.data() + stretch_->bytes, bytes);
  stretch_->bytes += bytes;
  end_ += bytes;
  return room;
}

PackStretch PackTail::take() {
  RB_ASSERT(has_untaken());
  PackStretch taken = std::move(*stretch_);
  stretch_.reset();
  const ByteView all(taken.memory.data(), taken.bytes);
  const ByteView rest = all.last(static_cast<std::size_t>(end_ % kDeviceBlock));
  open_block_.assign(rest.begin(), rest.end());
  return taken;
}

}  // namespace rb
