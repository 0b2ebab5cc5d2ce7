// The binary bodies of the protocol: lists of ids (32 bytes each), answers to ask (2 bits each), and blocks
// back to back (each header gives its length). Pure functions over foreign bytes; lengths are checked before
// anything is allocated.
#pragma once

#include <vector>

#include "store/store.h"

namespace rb::api {

// The largest body of blocks that a server takes in one request. A few MiB keep a connection busy; more only
// costs memory on the server, for every connection.
inline constexpr std::size_t kMaxBlocksRequestBytes = 32 << 20;

Bytes encode_ids(std::span<const ObjectId> ids);
// Errc::protocol when the length is not a whole number of ids, or there are more than `max_ids`.
Result<std::vector<ObjectId>> decode_ids(ByteView body, std::size_t max_ids);

// Answer i stands in byte i / 4, at bit 2 * (i % 4): 0 have, 1 send, 2 wait. Unused bits are zero.
Bytes encode_presences(std::span<const Presence> answers);
Result<std::vector<Presence>> decode_presences(ByteView body, std::size_t count);

// Cuts a body into its blocks. The structure of each is the store's business; that they fill the body exactly
// is ours.
Result<std::vector<ByteView>> cut_blocks(ByteView body);

// Puts a stream of blocks, arriving in any pieces, together again, and hands each on as a whole.
class BlockAssembler {
 public:
  explicit BlockAssembler(BlockSink sink) : sink_(std::move(sink)) {}
  // An error is one of the sink, or Errc::corrupt for bytes that begin no block.
  Status feed(ByteView piece);
  // Whether the stream may end here.
  bool at_boundary() const { return partial_.empty(); }
  // Forgets what has come of a block.
  void reset() {
    partial_.clear();
    wanted_ = 0;
  }

 private:
  BlockSink sink_;
  Bytes partial_;
  std::size_t wanted_ = 0;  // length of the block in partial_, 0 while its header is incomplete
};

}  // namespace rb::api
