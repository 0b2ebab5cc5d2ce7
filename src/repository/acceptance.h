// The rule that everything rests on: an object is accepted only when all it refers to is accepted already, in
// the same domain and of the right kind. So every accepted object is complete, by induction.
#pragma once

#include "format/block.h"
#include "repository/object_index.h"

namespace rb {

struct Acceptance {
  std::vector<NewObject> fresh;     // to be stored; empty: the block brings nothing new
  std::vector<HeldObject> present;  // objects that the store has
  Ticket depends_on = 0;            // the latest ticket among these: they may still be lost
  Ticket settle_first = 0;          // something depends on another session's block that is not settled
  std::uint64_t generation = 0;     // of the index when it was asked
  std::uint64_t epoch = 0;          // of the dead set, likewise
};

// Errc::missing_refs names what is missing; Errc::invalid_argument a reference of the wrong kind. When
// settle_first is set the rest means nothing: settle that ticket and check again.
Result<Acceptance> check_block(ObjectIndex& index, std::uint32_t domain, std::uint64_t session,
                               const BlockDirectory& block);

// What one object of a block counts for in its pack: where the bytes of each are, only who can unpack knows.
std::uint32_t share_of(ByteView block, const BlockDirectory& directory);

// Errc::missing_refs, naming the first few of them.
std::unexpected<Error> fail_missing(std::span<const ObjectId> missing);

}  // namespace rb
