// The downloading half of a remote session: objects that were asked for, blocks that come, what is still
// missing. Keeps its place when an answer breaks off, so that what has come is not asked for again and each
// block is given on once. Believes nothing: a block must be whole and hold something that is missing, and in
// the end nothing may be.
#pragma once

#include <unordered_set>
#include <vector>

#include "api/bulk.h"
#include "api/service.h"
#include "store/store.h"

namespace rb::net {

class BlockDownload {
 public:
  // Borrows both.
  BlockDownload(std::span<const ObjectId> ids, const BlockSink& sink);

  bool complete() const { return missing_.empty(); }
  // What has not come yet, in the order it was asked for.
  std::vector<ObjectId> missing() const;

  Status feed(ByteView piece);
  // Whether feed() has ended it with an error: then repeating would not help.
  bool failed() const { return failed_; }
  // The answer broke off: what has come of a block is forgotten. True when whole blocks came since the last
  // time.
  bool restart();
  // The answer is at its end: how all of it went.
  Status finish(const api::Response& answer) const;

 private:
  Status take(ByteView block);

  const std::span<const ObjectId> ids_;
  const BlockSink& sink_;
  std::unordered_set<ObjectId> missing_;
  api::BlockAssembler assembler_;
  bool has_progress_ = false;
  bool failed_ = false;
};

}  // namespace rb::net
