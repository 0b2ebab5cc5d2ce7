// rbbackup forget PATH
#include <fmt/format.h>
#include <unistd.h>

#include "backup/backup.h"
#include "cli/command_line.h"
#include "cli/connection.h"
#include "cli/exit_status.h"
#include "cli/json_values.h"
#include "cli/text.h"

namespace rb::cli {

namespace {

constexpr std::string_view kForgetHelp =
    R"(rbbackup forget PATH: a new snapshot without PATH and all beneath it.

Older snapshots keep it until the server's retention lets them go; files on this machine are not touched.
      --json, --server ADDR, -q
)";

}  // namespace

int cmd_forget(Arguments arguments) {
  CommonOptions common;
  std::string path;
  CLI::App app;
  add_common_options(app, common);
  app.add_option("PATH", path)->required();
  if (const auto status = parse(app, std::move(arguments), kForgetHelp)) return *status;
  path = copy_path(path);

  Terminal terminal(common.verbosity(), common.json);
  auto connection = connect(common.server, [&](const std::string& text) { terminal.note(text); });
  if (!connection) return report(terminal, connection.error());
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  const SystemClock clock;
  auto snapshot = forget_path(*connection->store, path, host, clock);
  if (!snapshot) return report(terminal, snapshot.error());
  if (!*snapshot) {
    terminal.error(fmt::format("{}: not in the current copy", printable(path)));
    return kFailed;
  }
  if (terminal.json()) {
    nlohmann::json line = {{"type", "summary"}, {"snapshot", to_hex((*snapshot)->id)}};
    set_path(line, path);
    terminal.object(line);
  } else if (terminal.verbosity() != Verbosity::quiet) {
    terminal.result(
        fmt::format("snapshot {} is without {}", to_hex((*snapshot)->id).substr(0, 12), printable(path)));
  }
  return terminal.finish() ? kDone : kFailed;
}

}  // namespace rb::cli
