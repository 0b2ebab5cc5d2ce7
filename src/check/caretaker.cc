#include "check/caretaker.h"

#include <algorithm>
#include <utility>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

namespace rb {

namespace {

// How long a sealed pack may wait for its parity, and a due one for being read: small against a day.
constexpr std::chrono::seconds kRound{5};
constexpr std::chrono::hours kDay{24};
// A pack that stays damaged is not read again for every read that meets the damage.
constexpr std::chrono::hours kCorrectAgain{1};
// Sealed packs that wait for their parity while backups come in, and would be slowed by it: 8 GiB.
constexpr std::size_t kUnprotectedPacks = 32;

// Best effort: of the processor what nobody else wants, of the disk likewise where its scheduler knows that.
void take_lowest_priority() {
  constexpr int kWhoProcess = 1, kIdleClass = 3 << 13;
  const auto thread = static_cast<id_t>(::syscall(SYS_gettid));
  static_cast<void>(::setpriority(PRIO_PROCESS, thread, 19));
  static_cast<void>(::syscall(SYS_ioprio_set, kWhoProcess, thread, kIdleClass));
}

}  // namespace

Caretaker::Caretaker(RepositoryCore& core, PackKeeper& keeper, ReadLog& log, const CareOptions& options)
    : core_(core), keeper_(keeper), log_(log), scrub_pace_(options.bytes_per_second), options_(options) {
  day_began_ = core_.clock().monotonic();
}

Caretaker::~Caretaker() {
  stop();
}

void Caretaker::start() {
  core_.packs().on_damage([this](const PackPosition& at, bool) { note_damage(at); });
  thread_ = std::thread([this] { run(); });
}

void Caretaker::stop() {
  core_.packs().on_damage({});
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  pace_.cancel();
  scrub_pace_.cancel();
  woken_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Caretaker::set(const CareOptions& options) {
  const std::lock_guard lock(mutex_);
  options_ = options;
  scrub_pace_.limit(options.bytes_per_second);
}

CareCounters Caretaker::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void Caretaker::run() {
  take_lowest_priority();
  for (;;) {
    const Status done = work_once();
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    if (!done) log(LogLevel::error, "looking after the packs: {}", done.error().message);
    woken_.wait_for(lock, kRound, [&] { return stopping_ || !damaged_.empty(); });
    if (stopping_) return;
  }
}

void Caretaker::note_damage(const PackPosition& at) {
  const std::lock_guard lock(mutex_);
  const auto before = corrected_at_.find(at.pack);
  const std::chrono::nanoseconds now = core_.clock().monotonic();
  if (before != corrected_at_.end() && now - before->second < kCorrectAgain) return;
  corrected_at_[at.pack] = now;
  damaged_.insert(at.pack);
  woken_.notify_all();
}

Status Caretaker::work_once() {
  RB_TRY(correct_damaged());
  RB_TRY(protect());
  return scrub();
}

Status Caretaker::correct_damaged() {
  std::set<std::uint64_t> packs;
  {
    const std::lock_guard lock(mutex_);
    packs.swap(damaged_);
  }
  if (packs.empty()) return {};
  return read({packs.begin(), packs.end()}, Thoroughness::records, pace_);
}

Status Caretaker::protect() {
  if (keeper_.parity_percent() == 0) return {};
  bool is_busy = packs_grow();
  std::vector<std::uint64_t> open;
  for (const std::uint64_t pack : core_.packs().sealed_packs()) {
    if (protected_.contains(pack)) continue;
    if (keeper_.has_parity(pack)) {
      protected_.insert(pack);
    } else {
      open.push_back(pack);
    }
  }
  for (std::size_t i = 0; i < open.size(); ++i) {
    const std::size_t left = open.size() - i;
    {
      const std::lock_guard lock(mutex_);
      counters_.packs_without_parity = left;
    }
    if (is_busy && left <= kUnprotectedPacks) return {};
    RB_TRY(read({open[i]}, Thoroughness::records, pace_));
    protected_.insert(open[i]);  // or it can't have any: that was told, and is not tried for ever
    is_busy = packs_grow();
  }
  const std::lock_guard lock(mutex_);
  counters_.packs_without_parity = 0;
  return {};
}

// Since they were last looked at.
bool Caretaker::packs_grow() {
  const PackPosition end = core_.packs().end();
  const std::optional<PackPosition> before = std::exchange(seen_end_, end);
  return before && *before != end;
}

Status Caretaker::scrub() {
  std::chrono::seconds period;
  {
    const std::lock_guard lock(mutex_);
    period = options_.scrub_period;
  }
  if (period.count() == 0) return {};
  for (const std::uint64_t pack : due_packs(period)) {
    const auto end = core_.packs().durable_end(pack);
    if (!end) continue;
    if (!may_read_today(*end, period)) return {};
    RB_TRY(read({pack}, Thoroughness::parity, scrub_pace_));
  }
  return {};
}

// Longest unread first.
std::vector<std::uint64_t> Caretaker::due_packs(std::chrono::seconds period) const {
  const std::int64_t before = core_.clock().wall().seconds - period.count();
  std::vector<std::pair<Timestamp, std::uint64_t>> due;
  for (const std::uint64_t pack : core_.packs().sealed_packs()) {
    const Timestamp last = log_.last_read(pack).value_or(Timestamp{});
    if (last.seconds <= before) due.emplace_back(last, pack);
  }
  std::sort(due.begin(), due.end());
  std::vector<std::uint64_t> packs;
  packs.reserve(due.size());
  for (const auto& [last, pack] : due)
    packs.push_back(pack);
  return packs;
}

// A day's share of everything, and one pack at least. Where all is due at once, it is spread like this.
bool Caretaker::may_read_today(std::uint64_t bytes, std::chrono::seconds period) {
  const std::chrono::nanoseconds now = core_.clock().monotonic();
  if (now - day_began_ >= kDay) {
    day_began_ = now;
    bytes_today_ = 0;
  }
  const double days =
      std::max(1.0, std::chrono::duration<double>(period) / std::chrono::duration<double>(kDay));
  const double share = static_cast<double>(core_.packs().stored_bytes()) / days;
  if (bytes_today_ > 0 && static_cast<double>(bytes_today_ + bytes) > share) return false;
  bytes_today_ += bytes;
  return true;
}

Status Caretaker::read(const std::vector<std::uint64_t>& packs, Thoroughness thoroughness, Pace& pace) {
  CheckProgress progress;
  DataCheckReport report;
  const Status done = DataCheck(core_, keeper_, log_).read(packs, thoroughness, pace, progress, report);
  for (const Finding& finding : report.findings.list) {
    const LogLevel level = finding.kind == FindingKind::spare ? LogLevel::warning : LogLevel::error;
    log(level, "{}: {}; {}", finding.where, finding.what, finding.advice);
    for (const std::string& file : finding.affected)
      log(level, "  affected: {}", file);
  }
  const std::lock_guard lock(mutex_);
  counters_.packs_read += report.packs;
  counters_.bytes_read += report.bytes;
  counters_.packs_corrected += report.packs_corrected;
  counters_.sectors_corrected += report.sectors_corrected;
  counters_.parities_made += report.parities_made;
  counters_.damage_found += report.findings.damage_count;
  return done;
}

}  // namespace rb
