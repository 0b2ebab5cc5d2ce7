// rbbackup cat PATH [--at WHEN]
#include <fmt/format.h>

#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "cli/reading.h"
#include "cli/text.h"
#include "tree/root_tree.h"

namespace rb::cli {

namespace {

constexpr std::string_view kCatHelp =
    R"(rbbackup cat PATH: the content of a file in the copy, to standard output.

      --at WHEN      as it was then: a snapshot's id, latest, 2026-11-01, '3 days ago'
      --server ADDR
)";

Result<Entry> find_file(ObjectSource& objects, const Snapshot& snapshot, const std::string& path) {
  RB_TRY(auto components, split_path(path));
  RB_TRY(auto entry, find_path(objects, snapshot.root, components));
  if (!entry) return fail(Errc::not_found, printable(path) + ": not in this snapshot");
  if (entry->type != EntryType::file) {
    return fail(Errc::invalid_argument,
                fmt::format("{}: is a {}, not a file", printable(path), to_string(entry->type)));
  }
  return std::move(*entry);
}

}  // namespace

int cmd_cat(Arguments arguments) {
  CommonOptions common;
  std::string path, when;
  CLI::App app;
  add_common_options(app, common);
  app.add_option("--at", when);
  app.add_option("PATH", path)->required();
  if (const auto status = parse(app, std::move(arguments), kCatHelp)) return *status;

  Terminal terminal(common.verbosity(), false);
  auto reading = start_reading(common.server, terminal);
  if (!reading) return report(terminal, reading.error());
  auto item = (*reading)->snapshot_at(when);
  if (!item) return report(terminal, item.error());
  auto file = find_file(*(*reading)->objects, item->snapshot, copy_path(path));
  if (!file) return report(terminal, file.error());
  const Status done = read_content(*(*reading)->session, *file, [&](ByteView bytes) -> Status {
    if (terminal.bytes(as_text(bytes))) return {};
    return fail(Errc::io, "standard output can't be written");
  });
  if (!done) return report(terminal, done.error());
  return terminal.finish() ? kDone : kFailed;
}

}  // namespace rb::cli
