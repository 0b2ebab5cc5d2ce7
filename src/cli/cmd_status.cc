// rbbackup status
#include <fmt/format.h>

#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "cli/json_values.h"
#include "cli/reading.h"
#include "cli/text.h"

namespace rb::cli {

namespace {

constexpr std::string_view kStatusHelp =
    R"(rbbackup status: the server, this node, and how each source was last backed up.

      --json, --server ADDR
)";

// As it was when we joined; empty: none, or not known.
std::string group_of(const Reading& reading) {
  const auto& joined = reading.connection.joined;
  return joined ? joined->group : "";
}

nlohmann::json status_json(const Reading& reading, const StoreStatus& status) {
  return {{"type", "status"},
          {"server", reading.connection.address.text()},
          {"server_version", status.server_version},
          {"node", status.node},
          {"group", group_of(reading)},
          {"snapshots", status.snapshot_count},
          {"objects", status.object_count},
          {"stored_bytes", status.stored_bytes},
          {"node_stored_bytes", status.node_stored_bytes},
          {"quota_stored_bytes", status.quota_stored_bytes},
          {"node_logical_bytes", status.node_logical_bytes},
          {"quota_logical_bytes", status.quota_logical_bytes},
          {"read_only", status.read_only},
          {"read_only_reason", status.read_only_reason}};
}

std::string used_of(std::uint64_t used, std::uint64_t quota) {
  if (quota == 0) return human_bytes(used);
  return fmt::format("{} of {}", human_bytes(used), human_bytes(quota));
}

std::string node_text(const Reading& reading, const StoreStatus& status) {
  const std::string group = group_of(reading);
  return printable(status.node) + (group.empty() ? "" : fmt::format(", group {}", printable(group)));
}

void show_sources(Terminal& terminal, const HistoryItem& item) {
  terminal.result(fmt::format("last snapshot   {}, {}", to_hex(item.info.id).substr(0, 12),
                              local_time(item.info.received)));
  for (const Source& source : item.snapshot.sources) {
    terminal.result(fmt::format("source          {}, last complete {}{}", printable(source.path),
                                local_time(source.completed),
                                source.warnings > 0 ? fmt::format(", {} warnings", source.warnings) : ""));
  }
}

}  // namespace

int cmd_status(Arguments arguments) {
  CommonOptions common;
  CLI::App app;
  add_common_options(app, common);
  if (const auto status = parse(app, std::move(arguments), kStatusHelp)) return *status;

  Terminal terminal(common.verbosity(), common.json);
  auto reading = start_reading(common.server, terminal);
  if (!reading) return report(terminal, reading.error());
  auto status = (*reading)->session->status();
  if (!status) return report(terminal, status.error());
  std::optional<HistoryItem> head;
  if ((*reading)->session->info().head) {
    auto item = (*reading)->snapshot_at("");
    if (!item) return report(terminal, item.error());
    head = std::move(*item);
  }
  if (terminal.json()) {
    nlohmann::json line = status_json(**reading, *status);
    if (head) line["head"] = snapshot_json(head->info, head->snapshot);
    terminal.object(line);
    return terminal.finish() ? kDone : kFailed;
  }
  terminal.result(fmt::format("server          {}, version {}", (*reading)->connection.address.text(),
                              printable(status->server_version)));
  terminal.result(fmt::format("node            {}", node_text(**reading, *status)));
  terminal.result(fmt::format("snapshots       {}", grouped(status->snapshot_count)));
  terminal.result(
      fmt::format("files           {}", used_of(status->node_logical_bytes, status->quota_logical_bytes)));
  terminal.result(
      fmt::format("stored          {}", used_of(status->node_stored_bytes, status->quota_stored_bytes)));
  terminal.result(fmt::format("server stores   {}", human_bytes(status->stored_bytes)));
  if (status->read_only) terminal.result("READ-ONLY       " + printable(status->read_only_reason));
  if (head) show_sources(terminal, *head);
  return terminal.finish() ? kDone : kFailed;
}

}  // namespace rb::cli
