// rbbackup pin SNAPSHOT | unpin SNAPSHOT
#include <fmt/format.h>

#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "cli/json_values.h"
#include "cli/reading.h"
#include "cli/text.h"

namespace rb::cli {

namespace {

constexpr std::string_view kPinHelp =
    R"(rbbackup pin SNAPSHOT: the server keeps this snapshot whatever its rules say. A node may have 100 pins.

SNAPSHOT is written like WHEN: an id, latest, 2026-11-01, '3 days ago'.
      --json, --server ADDR, -q
)";

constexpr std::string_view kUnpinHelp =
    R"(rbbackup unpin SNAPSHOT: the server's rules decide about it again, when their floor (7 days unless the
administrator set another one) has passed. A pin that the administrator made stays.

SNAPSHOT is written like WHEN: an id, latest, 2026-11-01, '3 days ago'.
      --json, --server ADDR, -q
)";

int set_pin(Arguments arguments, bool pinned) {
  CommonOptions common;
  std::string when;
  CLI::App app;
  add_common_options(app, common);
  app.add_option("SNAPSHOT", when)->required();
  if (const auto status = parse(app, std::move(arguments), pinned ? kPinHelp : kUnpinHelp)) return *status;

  Terminal terminal(common.verbosity(), common.json);
  auto reading = start_reading(common.server, terminal);
  if (!reading) return report(terminal, reading.error());
  Session& session = *(*reading)->session;
  const auto snapshot = resolve_when(session, when, (*reading)->clock);
  if (!snapshot) return report(terminal, snapshot.error());
  const Status done = session.pin(snapshot->id, pinned);
  if (!done) return report(terminal, done.error());
  if (terminal.json()) {
    terminal.object({{"type", "summary"}, {"snapshot", to_hex(snapshot->id)}, {"pinned", pinned}});
  } else if (terminal.verbosity() != Verbosity::quiet) {
    terminal.result(fmt::format("snapshot {} of {} is {}", to_hex(snapshot->id).substr(0, 12),
                                local_time(snapshot->received), pinned ? "pinned" : "pinned no more"));
  }
  return terminal.finish() ? kDone : kFailed;
}

}  // namespace

int cmd_pin(Arguments arguments) {
  return set_pin(std::move(arguments), true);
}

int cmd_unpin(Arguments arguments) {
  return set_pin(std::move(arguments), false);
}

}  // namespace rb::cli
