#include "check/structure_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "check/header_check.h"
#include "check/history_check.h"
#include "check/row_check.h"
#include "repository/healing.h"

namespace rb {

namespace {

constexpr std::uint64_t kSteps = 2;  // histories, rows; packs count for themselves

// What is still wrong after its pack was read and perhaps corrected.
Status report_wrong_rows(RepositoryCore& core, const std::vector<LocatedRow>& wrong, const Pace& pace,
                         StructureCheckReport& report) {
  PackGaps places;
  std::vector<LocatedRow> left;
  for (const LocatedRow& row : wrong) {
    const auto record = core.packs().read(row.row.at);
    if (record || report.lost.contains({row.domain, row.id})) continue;
    places[row.row.at.pack].push_back({row.row.at.offset, row.row.at.offset + 1});
    left.push_back(row);
  }
  for (const LocatedRow& row : left)
    report.lost.insert({row.domain, row.id});
  return report_lost(core, left, places, pace, report.findings);
}

}  // namespace

Status check_structure(RepositoryCore& core, DataCheck& data, Pace& pace, CheckProgress& progress,
                       StructureCheckReport& report) {
  progress.total += kSteps;
  RB_TRY(heal(core));  // else it would tell of what has been sent again since
  RB_TRY(const HistoryCheckReport histories, check_histories(core, pace, report.findings));
  report.snapshots = histories.snapshots;
  ++progress.done;

  RB_TRY(const RowCheckReport rows, check_rows(core, pace, report.findings));
  report.objects = rows.objects;
  report.references = rows.references;
  ++progress.done;

  // From here on it is not "have" any more, whatever is missing beneath it.
  std::vector<QuarantinedObject> broken;
  for (const LocatedRow& row : rows.broken) {
    broken.push_back({row.domain, row.id, row.row.at});
    report.lost.insert({row.domain, row.id});
  }
  if (!broken.empty()) RB_TRY(core.quarantine().add(broken));

  RB_TRY(const HeaderCheckReport headers, check_headers(core, rows, pace, progress));
  report.records = headers.records;
  if (!headers.damaged_packs.empty()) {
    DataCheckReport read;
    RB_TRY(data.read({headers.damaged_packs.begin(), headers.damaged_packs.end()}, Thoroughness::records,
                     pace, progress, read));
    report.lost.merge(read.lost);
    report.findings.add_all(std::move(read.findings));
    RB_TRY(report_wrong_rows(core, headers.wrong, pace, report));
  }
  return {};
}

}  // namespace rb
