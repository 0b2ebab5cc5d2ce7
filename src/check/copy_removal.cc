#include "check/copy_removal.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "check/damage.h"
#include "check/history_check.h"
#include "repository/damaged_copies.h"
#include "repository/healing.h"

namespace rb {

namespace {

// Nothing: all that snapshots need is there, as far as is known.
Result<std::string> what_is_missing(RepositoryCore& core, const Pace& pace) {
  RB_TRY(heal(core));
  const std::size_t quarantined = core.quarantine().unresolved(core.index()).size();
  if (quarantined > 0) return fmt::format("{} damaged objects have not been sent again", quarantined);
  Findings findings;
  RB_TRY(check_histories(core, pace, findings));
  if (findings.damage_count > 0) return fmt::format("{} snapshots are not complete", findings.damage_count);
  return std::string();
}

// Whether every object that has its row in the pack can be read there. One that is gone was emptied first.
Result<bool> is_whole(RepositoryCore& core, PackKeeper& keeper, std::uint64_t pack, Pace& pace) {
  const std::vector<std::uint64_t> packs = core.packs().packs();
  if (!std::binary_search(packs.begin(), packs.end(), pack)) return true;
  RB_TRY(PackOutcome outcome, keeper.look_after(pack, Thoroughness::records, pace));
  PackGaps gaps;
  if (!outcome.gaps.empty()) gaps[pack] = std::move(outcome.gaps);
  RB_TRY(const std::vector<LocatedRow> lost, rows_in_gaps(core, gaps, pace));
  return lost.empty();
}

}  // namespace

Result<CopyRemoval> remove_damaged_copies(RepositoryCore& core, PackKeeper& keeper, Pace& pace) {
  RB_TRY(const std::vector<DamagedCopy> copies,
         find_damaged_copies(core.file_system(), core.directory().packs()));
  CopyRemoval report;
  if (copies.empty()) return report;
  RB_TRY(report.why_kept, what_is_missing(core, pace));
  if (!report.why_kept.empty()) {
    report.kept = copies.size();
    return report;
  }
  for (const DamagedCopy& copy : copies) {
    RB_TRY(const bool whole, is_whole(core, keeper, copy.pack, pace));
    if (!whole) {
      ++report.kept;
      report.why_kept = "the corrected packs are damaged again";
      continue;
    }
    RB_TRY(core.file_system().remove(copy.path));
    log(LogLevel::info, "removed {}: everything that was in it is safe", copy.path);
    ++report.removed;
    report.bytes_removed += copy.bytes;
  }
  RB_TRY(core.file_system().sync_directory(core.directory().packs()));
  return report;
}

}  // namespace rb
