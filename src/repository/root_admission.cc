#include "repository/root_admission.h"

#include "repository/acceptance.h"

namespace rb {

Status admit_root(ObjectIndex& index, CollectionGate& gate, std::uint32_t domain, const ObjectId& id,
                  std::optional<ObjectNumber> held) {
  while (true) {  // again only when the dead set changed meanwhile, which happens twice in a collection
    RB_TRY(const ObjectIndex::Answer answer, index.find(domain, std::span(&id, 1)));
    const auto& found = answer.found[0];
    if (!found || !found->complete()) return fail_missing(std::span(&id, 1));
    if (held && found->row.number != *held) return fail_missing(std::span(&id, 1));
    if (gate.admit_root(answer.epoch, found->row.number)) return {};
  }
}

}  // namespace rb
