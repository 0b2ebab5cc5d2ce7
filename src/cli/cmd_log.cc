// rbbackup log [PATH]
#include <fmt/format.h>

#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "cli/json_values.h"
#include "cli/reading.h"
#include "cli/text.h"

namespace rb::cli {

namespace {

constexpr std::string_view kLogHelp =
    R"(rbbackup log [PATH]: the snapshots of this node, newest first; with PATH, those in which it changed.

      -n, --limit N    at most so many
      --json, --server ADDR, -q, -v (with the sources and warnings of each)
)";

std::string source_line(const Source& source) {
  std::string flags = source.recursive || source.deleting ? " -" : "";
  if (source.recursive) flags += 'r';
  if (source.deleting) flags += 'd';
  return fmt::format("    {}{}, last complete {}{}", printable(source.path), flags,
                     local_time(source.completed),
                     source.warnings > 0 ? fmt::format(", {} warnings", grouped(source.warnings)) : "");
}

void show(Terminal& terminal, const HistoryItem& item) {
  if (terminal.json()) {
    nlohmann::json line = snapshot_json(item.info, item.snapshot);
    line["type"] = "snapshot";
    return terminal.object(line);
  }
  const SnapshotCounts& c = item.snapshot.counts;
  terminal.result(fmt::format(
      "{}  {}  {:>9} new {:>9} changed {:>9} removed  {:>10} sent{}{}{}", to_hex(item.info.id).substr(0, 12),
      local_time(item.info.received), grouped(c.created), grouped(c.changed), grouped(c.removed),
      human_bytes(c.bytes_sent), c.failed > 0 ? fmt::format("  {} failed", grouped(c.failed)) : "",
      item.snapshot.merged ? "  merged" : "", item.info.pinned ? "  pinned" : ""));
  if (terminal.verbosity() != Verbosity::verbose) return;
  for (const Source& source : item.snapshot.sources)
    terminal.result(source_line(source));
  for (const std::string& warning : item.snapshot.warnings)
    terminal.result("    warning: " + printable(warning));
}

}  // namespace

int cmd_log(Arguments arguments) {
  CommonOptions common;
  std::string path;
  std::uint64_t limit = UINT64_MAX;
  CLI::App app;
  add_common_options(app, common);
  app.add_option("-n,--limit", limit);
  app.add_option("PATH", path);
  if (const auto status = parse(app, std::move(arguments), kLogHelp)) return *status;

  Terminal terminal(common.verbosity(), common.json);
  auto reading = start_reading(common.server, terminal);
  if (!reading) return report(terminal, reading.error());
  std::uint64_t shown = 0;
  Session& session = *(*reading)->session;
  const auto visit = [&](const HistoryItem& item) -> Result<bool> {
    if (shown >= limit) return false;
    show(terminal, item);
    return ++shown < limit;
  };
  const auto visit_version = [&](const HistoryItem& item, const std::optional<Entry>&) {
    return visit(item);
  };
  const Status done = path.empty() ? visit_history(session, visit)
                                   : visit_path_history(session, copy_path(path), visit_version);
  if (!done) return report(terminal, done.error());
  if (shown == 0 && limit > 0) {
    terminal.note(path.empty() ? "nothing has been backed up yet"
                               : printable(path) + ": not in any snapshot");
    if (!path.empty()) return kFailed;
  }
  return terminal.finish() ? kDone : kFailed;
}

}  // namespace rb::cli
