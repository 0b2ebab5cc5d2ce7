#include "check/data_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/log.h"
#include "check/read_ahead.h"

namespace rb {

namespace {
// What was read is noted on disk after so much: a crash costs reading it again.
constexpr std::uint64_t kSaveBytes = 4ull << 30;
}  // namespace

bool DataCheck::exists(std::uint64_t pack) const {
  const std::vector<std::uint64_t> packs = core_.packs().packs();
  return std::binary_search(packs.begin(), packs.end(), pack);
}

Status DataCheck::read(const std::vector<std::uint64_t>& packs, Thoroughness thoroughness, Pace& pace,
                       CheckProgress& progress, DataCheckReport& report) {
  PackGaps gaps;
  std::uint64_t saved_at = 0;
  Status done;
  progress.total += packs.size();
  ReadAhead ahead(core_, pace);
  for (std::size_t i = 0; i < packs.size(); ++i) {
    const bool was_read = ahead.finish(packs[i]);
    if (thoroughness == Thoroughness::records && !pace.is_limited() && i + 1 < packs.size())
      ahead.begin(packs[i + 1]);
    done = read_one(packs[i], was_read ? KernelCache::keep : KernelCache::drop, thoroughness, pace, report,
                    gaps);
    if (!done) break;
    ++progress.done;
    if (report.bytes - saved_at < kSaveBytes) continue;
    saved_at = report.bytes;
    if (const Status saved = log_.save(); !saved) log(LogLevel::warning, "{}", saved.error().message);
  }
  // Also of a reading that was stopped: it won't come back to these packs.
  const Pace unhurried;
  RB_TRY(std::vector<LocatedRow> damaged, rows_in_gaps(core_, gaps, unhurried));
  RB_TRY(const std::vector<LocatedRow> lost,
         salvage_or_report(core_, std::move(damaged), gaps, unhurried, report.findings));
  for (const LocatedRow& row : lost)
    report.lost.insert({row.domain, row.id});
  RB_TRY(log_.save());
  return done;
}

Status DataCheck::read_one(std::uint64_t pack, KernelCache cache, Thoroughness thoroughness, Pace& pace,
                           DataCheckReport& report, PackGaps& gaps) {
  auto outcome = keeper_.look_after(pack, thoroughness, pace, cache);
  RB_TRY(pace.check());
  if (!outcome && !exists(pack)) {  // collected meanwhile
    log_.forget(pack);
    return {};
  }
  if (!outcome) {
    report.findings.add({.kind = FindingKind::unreadable,
                         .where = core_.packs().path(pack),
                         .what = outcome.error().message,
                         .advice = "look at the disk and at the permissions of the file",
                         .affected = {}});
    return {};
  }
  ++report.packs;
  report.bytes += outcome->bytes;
  tell(pack, *outcome, report);
  if (!outcome->gaps.empty()) gaps[pack] = std::move(outcome->gaps);
  log_.note(pack, core_.clock().wall());
  return {};
}

void DataCheck::tell(std::uint64_t pack, const PackOutcome& outcome, DataCheckReport& report) const {
  if (!outcome.kept_as.empty()) {
    ++report.packs_corrected;
    report.sectors_corrected += outcome.corrected_sectors;
    report.findings.add(
        {.kind = FindingKind::corrected,
         .where = core_.packs().path(pack),
         .what = fmt::format("{} sectors were damaged and are corrected", outcome.corrected_sectors),
         .advice = "look at the disk; the damaged file is " + outcome.kept_as,
         .affected = {}});
  }
  if (outcome.parity_made) ++report.parities_made;
  if (outcome.header_damaged) {
    report.findings.add({.kind = FindingKind::spare,
                         .where = core_.packs().path(pack),
                         .what = "the header of the pack is damaged; its records are not affected",
                         .advice = "nothing is lost; look at the disk",
                         .affected = {}});
  }
  if (!outcome.parity_problem.empty()) {
    report.findings.add({.kind = FindingKind::spare,
                         .where = core_.packs().parity_path(pack),
                         .what = outcome.parity_problem,
                         .advice = "nothing is lost; damage to this pack could not be corrected",
                         .affected = {}});
  }
}

Status DataCheck::read_all(Thoroughness thoroughness, Pace& pace, CheckProgress& progress,
                           DataCheckReport& report) {
  const Timestamp now = core_.clock().wall();
  const Timestamp begun = log_.begin_all(now);
  std::vector<std::uint64_t> left;
  for (const std::uint64_t pack : core_.packs().packs()) {
    const std::optional<Timestamp> last = log_.last_read(pack);
    // What was read "later than now" was read by a clock that went wrong: that proves nothing.
    if (!last || *last <= begun || *last > now) left.push_back(pack);
  }
  std::stable_sort(left.begin(), left.end(), [&](std::uint64_t a, std::uint64_t b) {
    return log_.last_read(a).value_or(Timestamp{}) < log_.last_read(b).value_or(Timestamp{});
  });
  RB_TRY(read(left, thoroughness, pace, progress, report));
  log_.end_all();
  return log_.save();
}

}  // namespace rb
