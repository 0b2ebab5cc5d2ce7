#include "cli/json_values.h"

#include <fmt/format.h>

#include "cli/text.h"

namespace rb::cli {

namespace {

void set_bytes(nlohmann::json& object, const std::string& key, std::string_view bytes) {
  object[key] = bytes;
  try {
    static_cast<void>(object[key].dump());
  } catch (const nlohmann::json::type_error&) {  // the library's word for "no UTF-8"
    object[key + "_hex"] = to_hex(as_bytes(bytes));
  }
}

}  // namespace

void set_path(nlohmann::json& object, std::string_view path) {
  set_bytes(object, "path", path);
}

nlohmann::json entry_json(std::string_view path, const Entry& entry) {
  nlohmann::json out = {{"type", to_string(entry.type)},
                        {"mode", fmt::format("{:04o}", entry.mode)},
                        {"uid", entry.uid},
                        {"gid", entry.gid},
                        {"size", entry.size}};
  set_path(out, path);
  if (!entry.user.empty()) out["user"] = entry.user;
  if (!entry.group.empty()) out["group"] = entry.group;
  if (entry.implied) {
    out["implied"] = true;
  } else {
    out["mtime"] = iso_time(entry.mtime);
  }
  if (entry.type == EntryType::symlink) set_bytes(out, "target", entry.target);
  if (entry.kept)
    out["kept"] = {{"reason", to_string(entry.kept->reason)}, {"since", iso_time(entry.kept->since)}};
  return out;
}

nlohmann::json counts_json(const SnapshotCounts& counts) {
  return {{"new", counts.created},         {"changed", counts.changed},
          {"unchanged", counts.unchanged}, {"removed", counts.removed},
          {"failed", counts.failed},       {"bytes_read", counts.bytes_read},
          {"bytes_new", counts.bytes_new}, {"bytes_sent", counts.bytes_sent}};
}

nlohmann::json snapshot_json(const SnapshotInfo& info, const Snapshot& snapshot) {
  nlohmann::json out = {{"id", to_hex(info.id)},     {"time", iso_time(info.received)},
                        {"sequence", info.sequence}, {"client_time", iso_time(snapshot.client_time)},
                        {"host", snapshot.host},     {"merged", snapshot.merged},
                        {"pinned", info.pinned},     {"counts", counts_json(snapshot.counts)}};
  out["sources"] = nlohmann::json::array();
  for (const Source& source : snapshot.sources) {
    nlohmann::json item = {{"completed", iso_time(source.completed)},
                           {"recursive", source.recursive},
                           {"deleting", source.deleting},
                           {"warnings", source.warnings}};
    set_path(item, source.path);
    out["sources"].push_back(std::move(item));
  }
  if (!snapshot.warnings.empty()) out["warnings"] = snapshot.warnings;
  return out;
}

}  // namespace rb::cli
