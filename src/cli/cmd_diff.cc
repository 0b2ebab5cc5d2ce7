// rbbackup diff [PATH] --from WHEN [--to WHEN]
#include <fmt/format.h>

#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "cli/json_values.h"
#include "cli/reading.h"
#include "cli/text.h"

namespace rb::cli {

namespace {

constexpr std::string_view kDiffHelp =
    R"(rbbackup diff [PATH] --from WHEN [--to WHEN]: what differs between two snapshots.

      --from WHEN    the earlier one: a snapshot's id, 2026-11-01, '3 days ago'
      --to WHEN      the later one (default: latest)
      --json, --server ADDR

  + new   - removed   M content changed   m only mode, owner, times or the like   T another type
)";

// One letter that says what became of the path.
char letter_of(const PathChange& change) {
  if (!change.before) return '+';
  if (!change.after) return '-';
  const Entry& a = *change.before;
  const Entry& b = *change.after;
  if (a.type != b.type) return 'T';
  const bool same_content = a.content_kind == b.content_kind && a.content == b.content && a.size == b.size &&
                            a.inline_content == b.inline_content && a.target == b.target &&
                            a.device == b.device;
  return same_content || a.type == EntryType::directory ? 'm' : 'M';
}

std::string_view word_of(char letter) {
  switch (letter) {
    case '+':
      return "added";
    case '-':
      return "removed";
    case 'T':
      return "type";
    case 'M':
      return "content";
    default:
      return "metadata";
  }
}

void show(Terminal& terminal, const PathChange& change) {
  const char letter = letter_of(change);
  if (!terminal.json()) return terminal.result(fmt::format("{} {}", letter, printable(change.path)));
  nlohmann::json line = {{"type", "change"}, {"change", word_of(letter)}};
  set_path(line, change.path);
  if (change.before) line["before"] = entry_json(change.path, *change.before);
  if (change.after) line["after"] = entry_json(change.path, *change.after);
  terminal.object(line);
}

}  // namespace

int cmd_diff(Arguments arguments) {
  CommonOptions common;
  std::string path = "/", from, to;
  CLI::App app;
  add_common_options(app, common);
  app.add_option("--from", from)->required();
  app.add_option("--to", to);
  auto* path_option = app.add_option("PATH", path);
  if (const auto status = parse(app, std::move(arguments), kDiffHelp)) return *status;
  if (path_option->count() > 0) path = copy_path(path);

  Terminal terminal(common.verbosity(), common.json);
  auto reading = start_reading(common.server, terminal);
  if (!reading) return report(terminal, reading.error());
  auto before = (*reading)->snapshot_at(from);
  if (!before) return report(terminal, before.error());
  auto after = (*reading)->snapshot_at(to);
  if (!after) return report(terminal, after.error());
  const Status done = diff_snapshots(*(*reading)->objects, before->snapshot, after->snapshot, path,
                                     [&](const PathChange& change) -> Status {
                                       show(terminal, change);
                                       return {};
                                     });
  if (!done) return report(terminal, done.error());
  return terminal.finish() ? kDone : kFailed;
}

}  // namespace rb::cli
