// What a snapshot has to pass before the journal says that it is kept, as the last thing before that and in
// the same step: it may have died since it was looked for.
#pragma once

#include "repository/object_index.h"

namespace rb {

// Makes a complete object a root of the mark that runs, if one does. `held` is the number under which it was
// found and held before (nothing: it was not). Errc::missing_refs when it is not there any more, or only as
// another one that came later.
Status admit_root(ObjectIndex& index, CollectionGate& gate, std::uint32_t domain, const ObjectId& id,
                  std::optional<ObjectNumber> held);

}  // namespace rb
