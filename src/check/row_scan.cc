#include "check/row_scan.h"

namespace rb {

namespace {
constexpr std::size_t kStretchRows = 65536, kStretchChildren = 16384;

Status visit_domain(RepositoryCore& core, std::uint32_t domain, const Pace& pace, const RowVisitor& visit) {
  std::optional<ObjectId> after;
  for (;;) {
    RB_TRY(pace.check());
    const std::shared_ptr<const DeadSet> dead = core.gate().dead_set();
    std::size_t seen = 0;
    RB_TRY(core.catalog().visit_objects(domain, after, kStretchRows,
                                        [&](const ObjectId& id, const ObjectRow& row) -> Status {
                                          ++seen;
                                          after = id;
                                          if (dead && dead->contains(row.number)) return {};
                                          return visit({domain, id, row});
                                        }));
    if (seen < kStretchRows) return {};
  }
}

}  // namespace

Status visit_rows(RepositoryCore& core, const Pace& pace, const RowVisitor& visit) {
  RB_TRY(const std::vector<DomainRecord> domains, core.catalog().domains());
  for (const DomainRecord& domain : domains)
    RB_TRY(visit_domain(core, domain.domain, pace, visit));
  return {};
}

Status visit_children(RepositoryCore& core, const Pace& pace, ObjectNumber below,
                      const ChildrenVisitor& visit) {
  for (std::size_t seen = kStretchChildren; seen == kStretchChildren;) {
    RB_TRY(pace.check());
    seen = 0;
    RB_TRY(core.catalog().visit_children(
        below, kStretchChildren, [&](ObjectNumber number, std::vector<ObjectNumber> children) -> Status {
          ++seen;
          below = number;
          return visit(number, std::move(children));
        }));
  }
  return {};
}

void settle_rows(RepositoryCore& core) {
  core.writer().close();
}

Result<bool> still_stands(RepositoryCore& core, const LocatedRow& seen) {
  RB_TRY(const ObjectIndex::Answer answer, core.index().find(seen.domain, std::span(&seen.id, 1)));
  const auto& found = answer.found[0];
  return found && found->row.at == seen.row.at && found->row.number == seen.row.number;
}

}  // namespace rb
