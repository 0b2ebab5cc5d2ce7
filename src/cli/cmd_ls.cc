// rbbackup ls [-r] [PATH] [--at WHEN]
#include <fmt/format.h>

#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "cli/json_values.h"
#include "cli/reading.h"
#include "cli/text.h"

namespace rb::cli {

namespace {

constexpr std::string_view kLsHelp =
    R"(rbbackup ls [-r] [PATH]: what the copy holds; without PATH, from its root.

      -r             with everything beneath
      --at WHEN      what it held then: a snapshot's id, latest, 2026-11-01, '3 days ago'
      --json, --server ADDR
)";

std::string kept_text(const Kept& kept) {
  return fmt::format("  (kept: {} since {})", to_string(kept.reason), local_time(kept.since));
}

std::string line_for(const std::string& path, const Entry& entry) {
  const std::string owner = fmt::format("{}:{}", entry.user.empty() ? std::to_string(entry.uid) : entry.user,
                                        entry.group.empty() ? std::to_string(entry.gid) : entry.group);
  std::string line = fmt::format(
      "{} {:<17} {:>14} {} {}", mode_text(entry.type, entry.mode), printable(owner), grouped(entry.size),
      entry.implied ? std::string(19, ' ') : local_time(entry.mtime), printable(path));
  if (entry.type == EntryType::symlink) line += " -> " + printable(entry.target);
  if (entry.kept) line += kept_text(*entry.kept);
  return line;
}

}  // namespace

int cmd_ls(Arguments arguments) {
  CommonOptions common;
  std::string path = "/", when;
  bool recursive = false;
  CLI::App app;
  add_common_options(app, common);
  app.add_flag("-r,--recursive", recursive);
  app.add_option("--at", when);
  auto* path_option = app.add_option("PATH", path);
  if (const auto status = parse(app, std::move(arguments), kLsHelp)) return *status;
  if (path_option->count() > 0) path = copy_path(path);

  Terminal terminal(common.verbosity(), common.json);
  auto reading = start_reading(common.server, terminal);
  if (!reading) return report(terminal, reading.error());
  auto item = (*reading)->snapshot_at(when);
  if (!item) return report(terminal, item.error());
  const Status done = visit_entries(*(*reading)->objects, item->snapshot, path, recursive,
                                    [&](const std::string& entry_path, const Entry& entry) -> Status {
                                      if (terminal.json()) {
                                        terminal.object(entry_json(entry_path, entry));
                                      } else {
                                        terminal.result(line_for(entry_path, entry));
                                      }
                                      return {};
                                    });
  if (!done) return report(terminal, done.error());
  return terminal.finish() ? kDone : kFailed;
}

}  // namespace rb::cli
