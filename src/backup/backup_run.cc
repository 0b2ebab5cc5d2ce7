#include <chrono>
#include <thread>

#include <sys/resource.h>

#include "backup/run_attempt.h"
#include "base/random.h"

namespace rb {

namespace {

// A session that is fenced again and again means that the store is restarting or collecting; each try goes
// further than the one before, but not for ever.
constexpr int kMaxAttempts = 10;
constexpr std::chrono::milliseconds kFirstBusyWait{200}, kLongestBusyWait{5000}, kCancelCheck{100};

// A directory of the path that is being walked costs a descriptor.
void raise_open_file_limit() {
  struct rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

struct BackupRun::Impl {
  Impl(Store& store, BackupOptions options, BackupEvents events, const Clock& clock)
      : store_(store), options_(std::move(options)), monitor_(std::move(events)), clock_(clock) {}

  Result<BackupReport> run();
  Result<BackupReport> run_until_done(const SourcePlan& plan);
  Result<BackupReport> attempt(const SourcePlan& plan);
  Result<std::unique_ptr<Session>> begin();
  void tell(const SourcePlan& plan);

  Store& store_;
  BackupOptions options_;
  CacheUse cache_use_{.read = !options_.cache_directory.empty(), .write = !options_.dry_run};
  RunMonitor monitor_;
  const Clock& clock_;
  const RunId run_id_ = random_id<RunId>();
  bool has_begun_ = false;
  bool head_unreadable_ = false;      // nothing of the copy is looked at before the merge
  std::optional<SnapshotInfo> base_;  // the head that the run began from, also under later sessions
};

Result<BackupReport> BackupRun::Impl::run() {
  const auto began = clock_.monotonic();
  raise_open_file_limit();
  RB_TRY(const SourcePlan plan, plan_sources(options_));
  tell(plan);
  RB_TRY(BackupReport report, run_until_done(plan));
  report.incomplete |= !plan.missing.empty();
  report.seconds = std::chrono::duration<double>(clock_.monotonic() - began).count();
  return report;
}

void BackupRun::Impl::tell(const SourcePlan& plan) {
  for (const std::string& notice : plan.notices)
    monitor_.notice(notice);
  for (const MissingPath& missing : plan.missing)
    monitor_.failure(missing.path, missing.error.message);
}

Result<BackupReport> BackupRun::Impl::run_until_done(const SourcePlan& plan) {
  for (int tries = 1;; ++tries) {
    auto report = attempt(plan);
    if (report || tries == kMaxAttempts) return report;
    const Errc code = report.error().code;
    if (code == Errc::fenced) {
      monitor_.notice("the server ended the session; beginning again");
    } else if (code == Errc::corrupt && cache_use_.read) {
      // It may be the cache's fault, which would be no reason to fail.
      monitor_.notice("something is damaged; trying again without the cache (" + report.error().message +
                      ")");
      cache_use_.read = false;
    } else if (code == Errc::corrupt && !head_unreadable_) {
      // Made without looking at the newest snapshot, the copy has all its pages again that this machine has.
      monitor_.notice("the newest snapshot can't be read; trying again without it (" +
                      report.error().message + ")");
      head_unreadable_ = true;
    } else {
      return report;
    }
    monitor_.begin_attempt();
  }
}

Result<BackupReport> BackupRun::Impl::attempt(const SourcePlan& plan) {
  RB_TRY(const std::unique_ptr<Session> session, begin());
  const SessionInfo& info = session->info();
  if (info.already_committed) {
    BackupReport report;
    report.snapshot = info.already_committed;
    report.counts = monitor_.counts();
    report.incomplete = monitor_.incomplete();
    return report;
  }
  const bool base_lost = head_unreadable_ || (has_begun_ && base_ && !info.base_held);
  if (!has_begun_) base_ = info.head;
  has_begun_ = true;
  if (base_lost) {
    monitor_.warning("/", "the snapshot that this run began from is gone; nothing is removed from the copy");
  }
  RunAttempt attempt(*session, options_, cache_use_, monitor_, clock_);
  auto report = attempt.run(plan, base_, base_lost);
  // The first reason counts: what a stopped thread reports afterwards is only its echo.
  if (!report && monitor_.stopped()) report = std::unexpected(monitor_.status().error());
  if (!report) attempt.leave_checkpoint(report.error());
  return report;
}

Result<std::unique_ptr<Session>> BackupRun::Impl::begin() {
  BeginRequest request;
  request.run = run_id_;
  request.purpose = options_.dry_run ? SessionPurpose::read : SessionPurpose::write;
  if (base_) request.base = base_->id;
  for (auto pause = kFirstBusyWait;; pause = std::min(pause * 2, kLongestBusyWait)) {
    RB_TRY(monitor_.status());
    auto session = store_.begin(request);
    if (session || session.error().code != Errc::busy) return session;
    monitor_.notice_once("waiting for the server: " + session.error().message);
    for (auto waited = kCancelCheck * 0; waited < pause && !monitor_.cancelled(); waited += kCancelCheck) {
      std::this_thread::sleep_for(kCancelCheck);
    }
  }
}

BackupRun::BackupRun(Store& store, BackupOptions options, BackupEvents events, const Clock& clock)
    : impl_(std::make_unique<Impl>(store, std::move(options), std::move(events), clock)) {}

BackupRun::~BackupRun() = default;

Result<BackupReport> BackupRun::run() {
  return impl_->run();
}

void BackupRun::cancel() {
  impl_->monitor_.cancel();
}

BackupProgress BackupRun::progress() const {
  return impl_->monitor_.progress();
}

}  // namespace rb
