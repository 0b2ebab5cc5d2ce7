#include "api/json_fields.h"

#include "api/json_text.h"

namespace rb::api {

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string json_text(std::string_view text) {
  return dump(json(std::string(text)));
}

Result<json> parse(ByteView text) {
  const std::string_view view = as_text(text);
  json value = json::parse(view.begin(), view.end(), nullptr, false);
  if (value.is_discarded()) return fail(Errc::protocol, "the message is not JSON");
  return value;
}

json to_json(const Timestamp& time) {
  return {{"seconds", time.seconds}, {"nanoseconds", time.nanoseconds}};
}

Result<Timestamp> timestamp_from(const json& value) {
  Fields fields(value);
  Timestamp time;
  time.seconds = fields.signed_number("seconds");
  time.nanoseconds = static_cast<std::uint32_t>(fields.number("nanoseconds", 999'999'999));
  RB_TRY(fields.status());
  return time;
}

json to_json(const SnapshotInfo& info) {
  json out = {{"id", to_hex(info.id)},
              {"sequence", info.sequence},
              {"received", to_json(info.received)},
              {"run", to_hex(info.run)},
              {"object", to_hex(info.object)}};
  if (info.pinned) out["pinned"] = true;
  if (info.gone_after) out["gone_after"] = to_json(*info.gone_after);
  return out;
}

json to_json(const std::optional<SnapshotInfo>& info) {
  return info ? to_json(*info) : json(nullptr);
}

Result<SnapshotInfo> snapshot_from(const json& value) {
  Fields fields(value);
  SnapshotInfo info;
  info.id = fields.id<SnapshotId>("id");
  info.sequence = fields.number("sequence");
  info.run = fields.id<RunId>("run");
  info.object = fields.id<ObjectId>("object");
  if (fields.optional_child("pinned") != nullptr) info.pinned = fields.flag("pinned");
  const json& received = fields.child("received");
  RB_TRY(fields.status());
  RB_TRY(info.received, timestamp_from(received));
  if (const json* gone = fields.optional_child("gone_after")) {
    RB_TRY(info.gone_after, timestamp_from(*gone));
  }
  return info;
}

Result<std::optional<SnapshotInfo>> optional_snapshot(Fields& fields, const char* name) {
  const json* value = fields.optional_child(name);
  if (!value) return std::nullopt;
  RB_TRY(SnapshotInfo info, snapshot_from(*value));
  return info;
}

}  // namespace rb::api
