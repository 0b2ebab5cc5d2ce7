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
  std::size_t objects = 0;
  std::vector<std::string> affected;
};

void merge_affected(std::vector<std::string>& into, const std::vector<std::string>& more) {
  for (const std::string& one : more) {
    if (into.size() >= kAffectedMax) return;
    if (std::find(into.begin(), into.end(), one) == into.end()) into.push_back(one);
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

Status report_lost(RepositoryCore& core, const std::vector<LocatedRow>& lost, const PackGaps& gaps,
                   const Pace& pace, Findings& findings) {
  if (lost.empty()) return {};
  std::vector<QuarantinedObject> objects;
  objects.reserve(lost.size());
  for (const LocatedRow& row : lost)
    objects.push_back({row.domain, row.id, row.row.at});
  const auto added = core.quarantine().add(objects);
  if (!added && added.error().code != Errc::no_space) return std::unexpected(added.error());
  if (!added) log(LogLevel::error, "{}", added.error().message);

  const auto affected = trace_damage(core, lost, pace);
  std::map<PackPosition, GapDamage> by_gap;
  for (const LocatedRow& row : lost) {
    const PackStretch* const gap = gap_at(gaps, row.row.at);
    GapDamage& damage = by_gap[{row.row.at.pack, gap != nullptr ? gap->begin : row.row.at.offset}];
    ++damage.objects;
    const auto files = affected.find(row.row.number);
    if (files != affected.end()) merge_affected(damage.affected, files->second);
  }
  for (auto& [at, damage] : by_gap) {
    findings.add(
        {.kind = FindingKind::damaged,
         .where = fmt::format("{}, offset {}", core.packs().path(at.pack), at.offset),
         .what = fmt::format("{} objects can't be read any more", damage.objects),
         .advice = "back up the machines concerned: who still has these contents sends them again. Look at "
                   "the disk",
         .affected = std::move(damage.affected)});
  }
  return {};
}

}  // namespace rb
