// Removes what repairs have left of damaged packs, when nothing can be learned from it any more.
//
// Nothing else here deletes anything, and this only when somebody asks for it. While anything at all is
// missing in the repository all copies stay: whoever looks for it may find it there.
#pragma once

#include "check/pack_keeper.h"

namespace rb {

struct CopyRemoval {
  std::uint64_t removed = 0, bytes_removed = 0;
  std::uint64_t kept = 0;
  std::string why_kept;  // empty: none was
};

// Reads the packs concerned first, as a check of all data would. Errc::cancelled when the pace is.
Result<CopyRemoval> remove_damaged_copies(RepositoryCore& core, PackKeeper& keeper, Pace& pace);

}  // namespace rb
