#include "daemon/care.h"

#include "repository/damaged_copies.h"

namespace rb::daemon {

namespace {

// A path may have any length, and an answer may not.
constexpr std::size_t kAffectedBytesMax = 1024;

CareOptions care_options(const Config& config) {
  return {.scrub_period = config.scrub_period, .bytes_per_second = config.scrub_rate};
}

unsigned parity_percent(const Config& config) {
  return static_cast<unsigned>(config.parity_percent);
}

api::CheckFinding finding_of(const Finding& finding) {
  api::CheckFinding out{.kind = std::string(to_string(finding.kind)),
                        .where = finding.where,
                        .what = finding.what,
                        .advice = finding.advice,
                        .is_damage = is_damage(finding.kind),
                        .affected = finding.affected};
  for (std::string& file : out.affected)
    if (file.size() > kAffectedBytesMax) file = file.substr(0, kAffectedBytesMax) + "...";
  return out;
}

}  // namespace

Care::Care(LocalRepository& repository, const Config& config)
    : core_(repository.core()),
      keeper_(core_, parity_percent(config)),
      log_(core_.file_system(), core_.directory().path + "/last-read"),
      job_(core_, keeper_, log_),
      caretaker_(core_, keeper_, log_, care_options(config)) {}

void Care::start() {
  caretaker_.start();
}

void Care::stop() {
  job_.cancel();
  caretaker_.stop();
}

void Care::use_config(const Config& config) {
  keeper_.set_parity_percent(parity_percent(config));
  caretaker_.set(care_options(config));
}

std::vector<api::NamedNumber> Care::numbers() const {
  const api::DamagedCopies copies = damaged_copies();
  const CareCounters counters = caretaker_.counters();
  const auto number = [](const char* name, const char* help, bool is_counter, std::uint64_t value) {
    return api::NamedNumber{name, help, is_counter, static_cast<double>(value)};
  };
  return {
      number("scrub_packs_total", "Packs read by the background scrub.", true, counters.packs_read),
      number("scrub_bytes_total", "Bytes of packs read by the background scrub.", true, counters.bytes_read),
      number("packs_corrected_total", "Packs that were damaged and corrected.", true,
             counters.packs_corrected),
      number("sectors_corrected_total", "Sectors that were corrected.", true, counters.sectors_corrected),
      number("parities_made_total", "Packs that parity was made for.", true, counters.parities_made),
      number("damage_found_total", "Places that could not be corrected.", true, counters.damage_found),
      number("packs_without_parity", "Sealed packs that wait for parity.", false,
             counters.packs_without_parity),
      number("damaged_copy_bytes", "Bytes of damaged files that repairs have kept.", false, copies.bytes),
      number("objects_quarantined", "Damaged objects that no backup has brought again yet.", false,
             core_.quarantine().size()),
  };
}

api::DamagedCopies Care::damaged_copies() const {
  const auto copies = find_damaged_copies(core_.file_system(), core_.directory().packs());
  api::DamagedCopies sum;
  for (const DamagedCopy& copy : copies.value_or(std::vector<DamagedCopy>())) {
    ++sum.files;
    sum.bytes += copy.bytes;
  }
  return sum;
}

Result<CopyRemoval> Care::remove_copies() {
  Pace unhurried;
  return remove_damaged_copies(core_, keeper_, unhurried);
}

Status Care::begin_check(const api::CheckRequest& request) {
  return job_.begin(
      {.data = request.data, .unpack = request.unpack, .bytes_per_second = request.bytes_per_second});
}

api::CheckAnswer Care::check_state() {
  const CheckState state = job_.state();
  api::CheckAnswer answer;
  answer.begun = state.begun;
  answer.running = state.running;
  answer.data = state.data;
  answer.done = state.done;
  answer.total = state.total;
  answer.error = state.error;
  answer.snapshots = state.snapshots;
  answer.objects = state.objects;
  answer.references = state.references;
  answer.records = state.records;
  answer.packs_read = state.packs_read;
  answer.bytes_read = state.bytes_read;
  answer.sectors_corrected = state.sectors_corrected;
  answer.damaged_copies = state.damaged_copies;
  answer.damaged_copy_bytes = state.damaged_copy_bytes;
  answer.finding_count = state.findings.count;
  answer.damage_count = state.findings.damage_count;
  for (const Finding& finding : state.findings.list)
    answer.findings.push_back(finding_of(finding));
  return answer;
}

}  // namespace rb::daemon
