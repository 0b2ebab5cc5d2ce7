#include "check/structure_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "check/header_check.h"
#include "check/history_check.h"
#include "check/row_check.h"
#include "format/block.h"
#include "repository/healing.h"

namespace rb {

namespace {

constexpr std::uint64_t kSteps = 2;  // histories, rows; packs count for themselves

Finding wrong_row(RepositoryCore& core, const LocatedRow& row) {
  return {.kind = FindingKind::catalog,
          .where = fmt::format("{} {}", to_string(row.row.kind), to_hex(row.id)),
          .what = fmt::format("the catalog looks for it in {} at {}, which does not agree with it",
                              core.packs().path(row.row.at.pack), row.row.at.offset),
          .advice = kRebuildAdvice,
          .affected = {}};
}

// Whether the record is what the row says of it. Of what has references the children are known.
Result<bool> is_right(RepositoryCore& core, const LocatedRow& located, const PackStore::Record& record) {
  const ObjectRow& row = located.row;
  const auto directory = decode_block_directory(record.block);
  if (!directory || record.owner.domain != located.domain || row.index >= directory->objects.size())
    return false;
  const BlockObject& object = directory->objects[row.index];
  if (object.id != located.id || object.kind != row.kind) return false;
  if (object.refs.empty() || (row.flags & kRowIncomplete) != 0) return true;
  RB_TRY(const auto children, core.catalog().children(row.number));
  return !children.empty();
}

// What is still wrong after its pack was read and perhaps corrected: a record that can't be read has lost
// what was in it; of one that holds something else the row is wrong.
Status report_wrong_rows(RepositoryCore& core, const std::vector<LocatedRow>& wrong, const Pace& pace,
                         StructureCheckReport& report) {
  PackGaps places;
  std::vector<LocatedRow> left;
  for (const LocatedRow& row : wrong) {
    if (report.lost.contains({row.domain, row.id})) continue;
    RB_TRY(const bool stands, still_stands(core, row));
    if (!stands) continue;  // it was salvaged
    const auto record = core.packs().read(row.row.at);
    if (record) {
      RB_TRY(const bool right, is_right(core, row, *record));
      if (!right) report.findings.add(wrong_row(core, row));
      continue;
    }
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
