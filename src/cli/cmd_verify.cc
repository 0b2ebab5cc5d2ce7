// rbbackup verify [PATH...] [--at WHEN] [--sample N]
#include <fmt/format.h>

#include "base/random.h"
#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/interrupt.h"
#include "cli/json_values.h"
#include "cli/reading.h"
#include "cli/text.h"
#include "restore/verify.h"

namespace rb::cli {

namespace {

constexpr std::string_view kVerifyHelp =
    R"(rbbackup verify [PATH...]: compares files with their copy, by hash.

      --at WHEN      the copy as it was then: a snapshot's id, latest, 2026-11-01, '3 days ago'
      --sample N     read back all contents of N files (100), chosen at random, as a restore would, and write
                     nothing; 0: of none
      --json, --server ADDR, -q, -v (names also what was changed or removed since)

Without PATH everything in the copy. Files that were changed or removed since the backup are counted; a file that
looks unchanged and is not, one that can't be read, and a copy that can't be read back are each named: exit
status 3.
)";

std::string_view name_of(VerifyMatter matter) {
  switch (matter) {
    case VerifyMatter::changed:
      return "changed";
    case VerifyMatter::gone:
      return "gone";
    case VerifyMatter::differs:
      return "differs";
    case VerifyMatter::unreadable:
      return "unreadable";
    case VerifyMatter::damaged:
      return "damaged";
  }
  return "";
}

VerifyEvent event_for(Terminal& terminal) {
  return [&terminal](const std::string& path, VerifyMatter matter, const std::string& why) {
    const bool is_normal = matter == VerifyMatter::changed || matter == VerifyMatter::gone;
    if (is_normal && terminal.verbosity() != Verbosity::verbose) return;
    if (!terminal.json())
      return terminal.result(fmt::format("{}: {}: {}", name_of(matter), printable(path), why));
    nlohmann::json line = {{"type", "path"}, {"matter", name_of(matter)}, {"why", why}};
    set_path(line, path);
    terminal.object(line);
  };
}

std::string progress_line(const VerifyReport& p) {
  return fmt::format("{} files, {} compared; {} read back", grouped(p.files), human_bytes(p.bytes),
                     human_bytes(p.sampled_bytes));
}

nlohmann::json report_json(const char* type, const VerifyReport& r) {
  return {{"type", type},
          {"files", r.files},
          {"bytes", r.bytes},
          {"same", r.same},
          {"changed", r.changed},
          {"gone", r.gone},
          {"differing", r.differing},
          {"unreadable", r.unreadable},
          {"sampled", r.sampled},
          {"sampled_bytes", r.sampled_bytes},
          {"damaged", r.damaged}};
}

void summarise(Terminal& terminal, const VerifyReport& r) {
  if (terminal.json()) return terminal.object(report_json("summary", r));
  if (terminal.verbosity() == Verbosity::quiet) return;
  terminal.result(
      fmt::format("{} files compared ({}): {} same, {} changed since, {} gone, {} differ, {} unreadable",
                  grouped(r.files), human_bytes(r.bytes), grouped(r.same), grouped(r.changed),
                  grouped(r.gone), grouped(r.differing), grouped(r.unreadable)));
  terminal.result(fmt::format("{} files read back from the copy ({}): {} damaged", grouped(r.sampled),
                              human_bytes(r.sampled_bytes), grouped(r.damaged)));
}

std::uint64_t random_seed() {
  const RunId id = random_id<RunId>();
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < sizeof seed; ++i)
    seed = seed << 8 | id.bytes[i];
  return seed;
}

}  // namespace

int cmd_verify(Arguments arguments) {
  CommonOptions common;
  VerifyOptions options;
  std::string when;
  CLI::App app;
  add_common_options(app, common);
  app.add_option("--at", when);
  app.add_option("--sample", options.sample_files);
  app.add_option("PATH", options.paths);
  if (const auto status = parse(app, std::move(arguments), kVerifyHelp)) return *status;
  for (std::string& path : options.paths)
    path = copy_path(path);
  options.seed = random_seed();

  block_interrupts();
  Terminal terminal(common.verbosity(), common.json);
  auto reading = start_reading(common.server, terminal);
  if (!reading) return report(terminal, reading.error());
  auto item = (*reading)->snapshot_at(when);
  if (!item) return report(terminal, item.error());

  VerifyRun run(*(*reading)->session, *(*reading)->objects, item->snapshot, std::move(options),
                event_for(terminal));
  Result<VerifyReport> result = fail(Errc::cancelled, "interrupted");
  {
    const InterruptGuard guard([&] { run.cancel(); });
    const auto ticker = terminal.start_progress([&] { return progress_line(run.progress()); },
                                                [&] { return report_json("progress", run.progress()); });
    result = run.run();
  }
  if (!result) return report(terminal, result.error());
  summarise(terminal, *result);
  if (!terminal.finish()) return kFailed;
  return result->good() ? kDone : kIncomplete;
}

}  // namespace rb::cli
