// Judges again what was flagged as incomplete, or quarantined for what it refers to, once what was missing
// may have come.
//
// An object that comes again heals its own row and no other: what leads to it was flagged when it was missing
// (at a rebuild, by a check), is not sent again by whoever has no need of it any more, and would hinder
// collections for ever. Its record still says what it refers to. So each is read again, from the bottom up,
// and where everything is there the row becomes complete, with the numbers that its children have now.
#pragma once

#include "repository/repository_core.h"

namespace rb {

struct HealingReport {
  std::uint64_t healed = 0;  // objects that are complete again
  std::uint64_t left = 0;    // that something is still missing of
};

// Looks at what kept snapshots lead to, and at the quarantine; nothing else hinders anybody. Costs a look-up
// of each snapshot where all is well. Beside sessions and a mark.
Result<HealingReport> heal(RepositoryCore& core);

}  // namespace rb
