// rbbackup restore PATH... [--at WHEN] [--to DIR] [--overwrite] [--exact]
#include <fmt/format.h>

#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "cli/interrupt.h"
#include "cli/json_values.h"
#include "cli/load_limits.h"
#include "cli/path_report.h"
#include "cli/reading.h"
#include "cli/text.h"
#include "restore/restore.h"

namespace rb::cli {

namespace {

constexpr std::string_view kRestoreHelp = R"(rbbackup restore PATH...: writes files of the copy back.

      --at WHEN      as they were then: a snapshot's id, latest, 2026-11-01, '3 days ago'
      --to DIR       under DIR, by the last component of PATH (/home/ana/docs becomes DIR/docs);
                     without it, where they came from
      --overwrite    replace existing files that differ; without it they are left and named, exit status 3
      --exact        leave out what the copy only carried over (see 'kept' in 'rbbackup ls')
      --bwlimit RATE   at most RATE bytes a second from the server (500K, 2M)
      --cpu-limit N    at most N threads, and other programs first
      --json, --server ADDR, -q, -v (names every path written)

An interrupted restore goes on where it was when the same command is given again.
)";

RestoreEvents events_for(Terminal& terminal) {
  RestoreEvents events;
  if (terminal.verbosity() == Verbosity::verbose) {
    events.on_path = [&](const std::string& path) {
      if (!terminal.json()) return terminal.result(printable(path));
      nlohmann::json line = {{"type", "path"}};
      set_path(line, path);
      terminal.object(line);
    };
  }
  events.on_failure = [&](const std::string& path, const std::string& why) {
    report_path(terminal, PathMatter::failure, path, why);
  };
  events.on_warning = [&](const std::string& path, const std::string& what) {
    report_path(terminal, PathMatter::warning, path, what);
  };
  return events;
}

std::string progress_line(const RestoreProgress& p) {
  return fmt::format("{} files, {} restored  {}", grouped(p.files), human_bytes(p.bytes),
                     printable(p.current_path));
}

nlohmann::json progress_json(const RestoreProgress& p) {
  nlohmann::json line = {{"type", "progress"}, {"files", p.files}, {"bytes", p.bytes}};
  set_path(line, p.current_path);
  return line;
}

void summarise(Terminal& terminal, const RestoreReport& r) {
  if (terminal.json()) {
    return terminal.object({{"type", "summary"},
                            {"files", r.files},
                            {"directories", r.directories},
                            {"others", r.others},
                            {"bytes", r.bytes},
                            {"already_there", r.already_there},
                            {"differing", r.differing},
                            {"failed", r.failed},
                            {"seconds", r.seconds}});
  }
  if (terminal.verbosity() == Verbosity::quiet) return;
  terminal.result(fmt::format("{} files, {} directories, {} others restored; {} in {}", grouped(r.files),
                              grouped(r.directories), grouped(r.others), human_bytes(r.bytes),
                              human_seconds(r.seconds)));
  if (r.already_there > 0) terminal.result(fmt::format("{} were there already", grouped(r.already_there)));
  if (r.differing > 0) {
    terminal.result(
        fmt::format("{} exist and differ: left alone (--overwrite replaces them)", grouped(r.differing)));
  }
  if (r.failed > 0) terminal.result(fmt::format("{} failed", grouped(r.failed)));
}

}  // namespace

int cmd_restore(Arguments arguments) {
  CommonOptions common;
  RestoreOptions options;
  std::string when;
  LoadLimits limits;
  CLI::App app;
  add_common_options(app, common);
  app.add_option("--at", when);
  app.add_option("--to", options.to_directory);
  app.add_flag("--overwrite", options.overwrite);
  app.add_flag("--exact", options.exact);
  add_load_limits(app, limits);
  app.add_option("PATH", options.paths)->required();
  if (const auto status = parse(app, std::move(arguments), kRestoreHelp)) return *status;
  for (std::string& path : options.paths)
    path = copy_path(path);

  block_interrupts();
  Terminal terminal(common.verbosity(), common.json);
  if (const Status applied = limits.apply(); !applied) {
    terminal.error(applied.error().message);
    return kUsage;
  }
  options.threads = limits.threads;
  auto reading = start_reading(common.server, terminal, limits.bytes_per_second);
  if (!reading) return report(terminal, reading.error());
  auto item = (*reading)->snapshot_at(when);
  if (!item) return report(terminal, item.error());

  RestoreRun run(*(*reading)->session, item->snapshot, std::move(options), events_for(terminal));
  Result<RestoreReport> result = fail(Errc::cancelled, "interrupted");
  {
    const InterruptGuard guard([&] { run.cancel(); });
    const auto ticker = terminal.start_progress([&] { return progress_line(run.progress()); },
                                                [&] { return progress_json(run.progress()); });
    result = run.run();
  }
  if (!result) return report(terminal, result.error());
  summarise(terminal, *result);
  if (!terminal.finish()) return kFailed;
  return result->differing > 0 || result->failed > 0 ? kIncomplete : kDone;
}

}  // namespace rb::cli
