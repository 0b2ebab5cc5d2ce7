// Objects into blocks, and back: compression around format/block.h. (Later: sealing.)
#pragma once

#include <memory>
#include <vector>

#include "format/block.h"

namespace rb {

// What blocks are compressed with unless something else is asked for: of a source tree level 3, as it is
// tuned here, leaves 9% less than level 1, and takes a third more time.
inline constexpr int kCompressionLevel = 3;

// From this level on contents that look random are tried too: whoever asks for it wants every byte to be. A
// run that chooses its level by itself stays below.
inline constexpr int kTryAllLevel = 10;

// Objects are collected into blocks of this many bytes before compression, since what is compressed together
// shares its repetitions: of a source tree, blocks of 1 MiB leave 5% less than blocks of 256 KiB, and blocks
// of 2 MiB another 1%. What is read or dropped by itself should not be dragged along by others, so large
// objects stand alone.
inline constexpr std::size_t kBlockBytes = 2 << 20;
inline constexpr std::size_t kLoneBytes = 256 << 10;
// Metadata is mostly ids, which don't compress, and a reader wants a part of it: smaller blocks drag less
// along, and a store looks up what is referred to while the client goes on, not all of it at the end.
inline constexpr std::size_t kMetadataBlockBytes = 512 << 10;

// How hard to compress. Adaptive choices are the caller's.
struct CompressionOptions {
  int level = kCompressionLevel;  // zstd level, 1..19
  bool off = false;               // store raw
};

// Collects objects until the block is full, then packs them into one block. Reuses its buffers and its zstd
// context: keep one per thread and class. Not thread-safe.
class BlockBuilder {
 public:
  explicit BlockBuilder(BlockClass block_class, CompressionOptions options = {});
  ~BlockBuilder();
  BlockBuilder(BlockBuilder&&) noexcept;
  BlockBuilder& operator=(BlockBuilder&&) noexcept;

  bool empty() const;
  std::size_t raw_bytes() const;
  std::size_t object_count() const;
  // Whether adding an object of this many payload bytes and refs would exceed the target (kBlockBytes;
  // limits): then finish() first. An object of kLoneBytes or more always gets a block of its own.
  bool full_for(std::size_t payload_bytes, std::size_t ref_count) const;
  // Copies the payload. Requires: the kind belongs to the class, !full_for(...) or empty().
  void add(const ObjectId& id, ObjectKind kind, std::span<const ObjectId> refs, ByteView payload);
  // The ids in the block being built, in the order of add.
  std::vector<ObjectId> ids() const;
  // Drops the objects that are not wanted (same order and count as ids()); for answers to "ask".
  void keep_only(const std::vector<bool>& wanted);
  // From the next finish() on.
  void set_compression(CompressionOptions options);
  // Packs what was added and starts anew. Requires: !empty(). What does not shrink is stored raw; a
  // compressed body is unpacked again and compared before it is let go, always at high levels and now and
  // then at low ones (docs/decisions/0012), since a faulty compressor or memory must not spoil a backup.
  Bytes finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Unpacks blocks and checks that every object is what its id says. Reuses its buffers; keep one per thread.
class BlockReader {
 public:
  BlockReader();
  ~BlockReader();
  BlockReader(BlockReader&&) noexcept;
  BlockReader& operator=(BlockReader&&) noexcept;

  // One object of the last block that was opened. Views stay valid until the next open(), and as long as that
  // block: what was not compressed is not copied.
  struct Item {
    const BlockObject* object;
    ByteView payload;
  };
  // Borrows the block. Checks checksum, structure, lengths. Ids are not recomputed yet.
  Status open(ByteView block);
  std::size_t size() const;
  Item item(std::size_t index) const;
  // Recomputes the id of one item; Errc::corrupt names the object if it differs.
  Status verify(std::size_t index) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Opens the block and verifies all of it.
Result<std::vector<NamedObject>> unpack_block(ByteView block);

}  // namespace rb
