#include "check/check_job.h"

#include <fmt/format.h>

#include "base/log.h"
#include "repository/damaged_copies.h"

namespace rb {

namespace {

// What is known to be damaged, and was not met by this check: a check of the structure reads no contents.
Status report_quarantined(RepositoryCore& core, const std::set<DomainKey>& told, const Pace& pace,
                          Findings& findings) {
  std::vector<LocatedRow> rows;
  PackGaps places;
  std::size_t gone = 0;
  for (const QuarantinedObject& object : core.quarantine().unresolved(core.index())) {
    if (told.contains({object.domain, object.id})) continue;
    RB_TRY(const ObjectIndex::Answer answer, core.index().find(object.domain, std::span(&object.id, 1)));
    if (!answer.found[0]) {
      ++gone;
      continue;
    }
    rows.push_back({object.domain, object.id, answer.found[0]->row});
    places[object.at.pack].push_back({object.at.offset, object.at.offset + 1});
  }
  if (gone > 0) {
    findings.add({.kind = FindingKind::incomplete,
                  .where = core.directory().quarantine(),
                  .what = fmt::format("{} objects that were damaged are not there any more", gone),
                  .advice = "back up the machines concerned: who still has these contents sends them again",
                  .affected = {}});
  }
  return report_lost(core, rows, places, pace, findings);
}

}  // namespace

CheckJob::~CheckJob() {
  cancel();
  if (thread_.joinable()) thread_.join();
}

Status CheckJob::begin(const CheckOrder& order) {
  const std::lock_guard lock(mutex_);
  if (state_.running) return fail(Errc::busy, "a check is running already: try again when it has ended");
  if (thread_.joinable()) thread_.join();
  state_ = {.begun = true, .running = true, .data = order.data};
  pace_ = std::make_shared<Pace>(order.bytes_per_second);
  progress_ = std::make_shared<CheckProgress>();
  thread_ = std::thread([this, order] { run(order); });
  return {};
}

CheckState CheckJob::state() const {
  const std::lock_guard lock(mutex_);
  CheckState state = state_;
  if (progress_) {
    state.done = progress_->done;
    state.total = progress_->total;
    state.bytes_read = pace_->bytes();
  }
  return state;
}

void CheckJob::cancel() {
  const std::lock_guard lock(mutex_);
  if (pace_) pace_->cancel();
}

void CheckJob::run(const CheckOrder& order) {
  StructureCheckReport structure;
  DataCheckReport data;
  const Status done = check(order, structure, data);
  if (!done) log(LogLevel::warning, "a check did not end: {}", done.error().message);
  const auto copies = find_damaged_copies(core_.file_system(), core_.directory().packs());
  const std::lock_guard lock(mutex_);
  for (const DamagedCopy& copy : copies.value_or(std::vector<DamagedCopy>())) {
    ++state_.damaged_copies;
    state_.damaged_copy_bytes += copy.bytes;
  }
  if (!done) state_.error = done.error().message;
  state_.snapshots = structure.snapshots;
  state_.objects = structure.objects;
  state_.references = structure.references;
  state_.records = structure.records;
  state_.packs_read = data.packs;
  state_.sectors_corrected = data.sectors_corrected;
  state_.findings = std::move(structure.findings);
  state_.findings.add_all(std::move(data.findings));
  state_.running = false;
}

Status CheckJob::check(const CheckOrder& order, StructureCheckReport& structure, DataCheckReport& data) {
  std::shared_ptr<Pace> pace;
  std::shared_ptr<CheckProgress> progress;
  {
    const std::lock_guard lock(mutex_);
    pace = pace_;
    progress = progress_;
  }
  DataCheck reader(core_, keeper_, log_);
  RB_TRY(check_structure(core_, reader, *pace, *progress, structure));
  std::set<DomainKey> told = structure.lost;
  if (order.data) {
    const Thoroughness thoroughness = order.unpack ? Thoroughness::records : Thoroughness::parity;
    RB_TRY(reader.read_all(thoroughness, *pace, *progress, data));
    told.insert(data.lost.begin(), data.lost.end());
  }
  return report_quarantined(core_, told, *pace, structure.findings);
}

}  // namespace rb
