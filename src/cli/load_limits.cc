#include "cli/load_limits.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/text.h"

namespace rb::cli {

namespace {

constexpr int kNice = 10;
// ioprio_set(2), which the C library lacks: one process, best effort, the last of eight places.
constexpr int kOfProcess = 1, kBestEffort = 2 << 13, kLastPlace = 7;

// Failing costs nothing but politeness.
void stand_behind() {
  (void)::setpriority(PRIO_PROCESS, 0, kNice);
  (void)::syscall(SYS_ioprio_set, kOfProcess, 0, kBestEffort | kLastPlace);
}

}  // namespace

Status LoadLimits::apply() {
  if (!rate_text.empty()) {
    RB_TRY(bytes_per_second, parse_size(rate_text));
    if (bytes_per_second == 0) return fail(Errc::invalid_argument, "--bwlimit 0 would move nothing");
  }
  if (threads > 0) stand_behind();
  return {};
}

void add_load_limits(CLI::App& app, LoadLimits& limits) {
  app.add_option("--bwlimit", limits.rate_text);
  app.add_option("--cpu-limit", limits.threads)->check(CLI::Range(1, 1024));
}

}  // namespace rb::cli
