#include "daemon/opening_report.h"

#include <fmt/format.h>

#include "base/log.h"
#include "daemon/quantity.h"

namespace rb::daemon {

std::string describe_rebuild(const RepositoryReport& report) {
  const std::string found = fmt::format(
      "rebuilt the catalog from packs and journal in {:.1f} s: {} nodes, {} snapshots, {} objects in "
      "{} of packs",
      report.seconds, report.nodes, report.snapshots, report.objects, format_bytes(report.pack_bytes));
  if (report.damaged_snapshots == 0) return found + "; every snapshot is complete";
  return fmt::format(
      "{}; {} snapshots lack something: 'check' names them, and backups bring again what the "
      "machines still have",
      found, report.damaged_snapshots);
}

void log_opening(const RepositoryReport& report, const std::string& directory) {
  if (report.created) log(LogLevel::info, "created a repository in {}", directory);
  if (report.catalog_rebuilt) {
    log(LogLevel::warning, "{}", describe_rebuild(report));
  } else if (report.records_applied > 0) {
    log(LogLevel::info, "applied {} records that the catalog did not have yet", report.records_applied);
  }
  if (report.skipped_bytes > 0) {
    log(LogLevel::warning,
        "passed over {} bytes in the packs that are no whole record (normal after a crash)",
        report.skipped_bytes);
  }
}

}  // namespace rb::daemon
