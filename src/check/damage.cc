#include "check/damage.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"

namespace rb {

namespace {

constexpr std::size_t kAffectedMax = 20;  // of one finding

const PackStretch* gap_at(const PackGaps& gaps, const PackPosition& at) {
  const auto pack = gaps.find(at.pack);
  if (pack == gaps.end()) return nullptr;
  const auto found = std::find_if(pack->second.begin(), pack->second.end(),
                                  [&](const PackStretch& gap) { return gap.contains(at.offset); });
  return found == pack->second.end() ? nullptr : &*found;
}

// Of the objects of one gap together.
struct GapDamage {
  std::size_t lost = 0, salvaged = 0;
  std::vector<std::string> affected;
};

PackPosition begin_of_gap(const PackGaps& gaps, const PackPosition& at) {
  const PackStretch* const gap = gap_at(gaps, at);
  return {at.pack, gap != nullptr ? gap->begin : at.offset};
}

void merge_affected(std::vector<std::string>& into, const std::vector<std::string>& more) {
  for (const std::string& one : more) {
    if (into.size() >= kAffectedMax) return;
    if (std::find(into.begin(), into.end(), one) == into.end()) into.push_back(one);
  }
}

Finding finding_of(const std::string& where, GapDamage damage) {
  if (damage.lost == 0) {
    return {.kind = FindingKind::corrected,
            .where = where,
            .what = fmt::format("a block is damaged; its {} objects were salvaged and stored anew",
                                damage.salvaged),
            .advice = "nothing is lost; look at the disk",
            .affected = {}};
  }
  std::string what = fmt::format("{} objects can't be read any more", damage.lost);
  if (damage.salvaged > 0)
    what += fmt::format("; the other {} of a damaged block were salvaged", damage.salvaged);
  return {.kind = FindingKind::damaged,
          .where = where,
          .what = std::move(what),
          .advice =
              "back up the machines concerned: who still has these contents sends them again. Look at "
              "the disk",
          .affected = std::move(damage.affected)};
}

Status put_into_quarantine(RepositoryCore& core, const std::vector<LocatedRow>& lost) {
  if (lost.empty()) return {};
  std::vector<QuarantinedObject> objects;
  objects.reserve(lost.size());
  for (const LocatedRow& row : lost)
    objects.push_back({row.domain, row.id, row.row.at});
  const auto added = core.quarantine().add(objects);
  if (!added && added.error().code != Errc::no_space) return std::unexpected(added.error());
  if (!added) log(LogLevel::error, "{}", added.error().message);
  return {};
}

void tell(RepositoryCore& core, const std::vector<LocatedRow>& lost, const SalvagedCounts& salvaged,
          const PackGaps& gaps, const DamageTrace& trace, Findings& findings) {
  std::map<PackPosition, GapDamage> by_gap;
  for (const auto& [at, objects] : salvaged)
    by_gap[begin_of_gap(gaps, at)].salvaged += objects;
  for (const LocatedRow& row : lost) {
    GapDamage& damage = by_gap[begin_of_gap(gaps, row.row.at)];
    ++damage.lost;
    const auto files = trace.files.find(row.row.number);
    if (files != trace.files.end()) merge_affected(damage.affected, files->second);
  }
  for (auto& [at, damage] : by_gap) {
    findings.add(
        finding_of(fmt::format("{}, offset {}", core.packs().path(at.pack), at.offset), std::move(damage)));
  }
}

}  // namespace

Result<std::vector<LocatedRow>> rows_in_gaps(RepositoryCore& core, const PackGaps& gaps, const Pace& pace) {
  std::vector<LocatedRow> lost;
  if (gaps.empty()) return lost;
  settle_rows(core);
  RB_TRY(visit_rows(core, pace, [&](const LocatedRow& row) -> Status {
    if (gap_at(gaps, row.row.at) != nullptr) lost.push_back(row);
    return {};
  }));
  // What was relocated or replaced meanwhile is no longer there.
  std::vector<LocatedRow> confirmed;
  for (const LocatedRow& row : lost) {
    RB_TRY(const bool stands, still_stands(core, row));
    if (stands) confirmed.push_back(row);
  }
  return confirmed;
}

// Where the lengths of a block's objects are lost too, the pages that refer to them know.
Result<std::vector<LocatedRow>> salvage_or_report(RepositoryCore& core, std::vector<LocatedRow> damaged,
                                                  const PackGaps& gaps, const Pace& pace,
                                                  Findings& findings) {
  SalvagedCounts salvaged = salvage_lost(core, {}, damaged);
  const DamageTrace trace = trace_damage(core, damaged, pace);
  if (!trace.lengths.empty()) {
    for (const auto& [at, objects] : salvage_lost(core, trace.lengths, damaged))
      salvaged[at] += objects;
  }
  RB_TRY(put_into_quarantine(core, damaged));
  tell(core, damaged, salvaged, gaps, trace, findings);
  return damaged;
}

Status report_lost(RepositoryCore& core, const std::vector<LocatedRow>& lost, const PackGaps& gaps,
                   const Pace& pace, Findings& findings) {
  RB_TRY(put_into_quarantine(core, lost));
  tell(core, lost, {}, gaps, trace_damage(core, lost, pace), findings);
  return {};
}

}  // namespace rb
