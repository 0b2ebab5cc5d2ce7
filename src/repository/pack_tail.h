// The end of a pack that is being filled. Records are put together here, in memory, and go to the disk many
// at a time and in whole blocks of the device: past the kernel's cache, where a copy of what nobody is about
// to read would take a third of the server's time, and the room of what others read. The rest of a block
// goes the usual way and is written once more, the same bytes, with what follows it.
//
// Not thread-safe. What was taken belongs to whoever took it.
#pragma once

#include <memory>
#include <vector>

#include "base/file_system.h"

namespace rb {

// Memory aligned as the device's blocks. Its pages are the system's to give when they are first written.
class BlockMemory {
 public:
  // Throws std::bad_alloc.
  explicit BlockMemory(std::size_t bytes);

  std::uint8_t* data() const { return bytes_.get(); }

 private:
  struct Free {
    void operator()(std::uint8_t* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::uint8_t, Free> bytes_;
};

// Memory for a stretch is kept from one to the next: fresh pages cost more than the copying into them.
// Not thread-safe.
class StretchMemory {
 public:
  BlockMemory take();
  void give_back(BlockMemory memory);

 private:
  std::vector<BlockMemory> spare_;
};

// Bytes of a pack that lie one after the other, from a block's beginning on.
struct PackStretch {
  BlockMemory memory;
  std::uint64_t offset = 0;  // in the file; of whole blocks
  std::size_t known = 0;     // so many of the first bytes were written before
  std::size_t bytes = 0;     // all of them
};

// Not durable before the file is synced.
Status write_stretch(File& file, const PackStretch& stretch);

class PackTail {
 public:
  // Bytes that were added and not taken yet, beyond which no more should be added: a disk gets enough at a
  // time with so many, and a server that receives faster than its disk writes must not collect them.
  static constexpr std::size_t kFullBytes = 8 << 20;

  // Begins with these bytes, which stand at the beginning of the file already.
  explicit PackTail(ByteView header);

  bool has_untaken() const { return stretch_ && stretch_->bytes > stretch_->known; }
  bool is_full() const { return stretch_ && stretch_->bytes - stretch_->known >= kFullBytes; }
  // Room at the end, at most for the largest record; the caller fills it. Requires: !is_full().
  std::span<std::uint8_t> add(std::size_t bytes, StretchMemory& memory);
  // Requires: has_untaken().
  PackStretch take();

 private:
  std::uint64_t end_;                     // of all that was added
  Bytes open_block_;                      // the bytes before it, from its block's beginning on
  std::unique_ptr<PackStretch> stretch_;  // null: nothing was added since the last was taken
};

}  // namespace rb
