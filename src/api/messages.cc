#include "api/messages.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rb::api {

namespace {

using nlohmann::json;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Reads the fields of one JSON object. After the first wrong one the others give zero or nothing, and
// status() says which it was, so that a decoder reads a whole message and checks once.
class Fields {
 public:
  explicit Fields(const json& value) : value_(value) {
    if (!value.is_object()) complain("message", "an object");
  }

  std::string text(const char* name) {
    const json* field = find(name);
    if (!field || !field->is_string()) return complain(name, "a string"), std::string();
    return field->get<std::string>();
  }

  std::uint64_t number(const char* name, std::uint64_t max = UINT64_MAX) {
    const json* field = find(name);
    if (!field || !field->is_number_unsigned() || field->get<std::uint64_t>() > max) {
      return complain(name, "a whole number within its range"), 0;
    }
    return field->get<std::uint64_t>();
  }

  std::int64_t signed_number(const char* name) {
    const json* field = find(name);
    const bool fits = field && field->is_number_integer() &&
                      !(field->is_number_unsigned() && field->get<std::uint64_t>() > INT64_MAX);
    if (!fits) return complain(name, "a whole number within its range"), 0;
    return field->get<std::int64_t>();
  }

  bool flag(const char* name) {
    const json* field = find(name);
    if (!field || !field->is_boolean()) return complain(name, "true or false"), false;
    return field->get<bool>();
  }

  template <typename Id>
  Id id(const char* name) {
    const json* field = find(name);
    if (!field) return complain(name, "an id"), Id{};
    return id_of<Id>(name, *field);
  }

  template <typename Id>
  std::optional<Id> optional_id(const char* name) {
    const json* field = find(name);
    if (!field || field->is_null()) return std::nullopt;
    return id_of<Id>(name, *field);
  }

  template <typename Id>
  std::vector<Id> ids(const char* name) {
    std::vector<Id> out;
    for (const json& item : array(name))
      out.push_back(id_of<Id>(name, item));
    return out;
  }

  const json& array(const char* name) {
    static const json empty = json::array();
    const json* field = find(name);
    if (!field || !field->is_array()) return complain(name, "a list"), empty;
    return *field;
  }

  // Null when the field is absent or null.
  const json* optional_child(const char* name) {
    const json* field = find(name);
    return field && !field->is_null() ? field : nullptr;
  }

  const json& child(const char* name) {
    static const json empty = json::object();
    const json* field = find(name);
    if (!field || !field->is_object()) return complain(name, "an object"), empty;
    return *field;
  }

  void complain(const char* name, const char* expected) {
    if (problem_.empty()) problem_ = fmt::format("the field '{}' is not {}", name, expected);
  }

  Status status() const {
    if (problem_.empty()) return {};
    return fail(Errc::protocol, problem_);
  }

 private:
  const json* find(const char* name) const {
    if (!value_.is_object()) return nullptr;
    const auto at = value_.find(name);
    return at == value_.end() ? nullptr : &*at;
  }

  template <typename Id>
  Id id_of(const char* name, const json& value) {
    std::optional<Id> id;
    if (value.is_string()) id = id_from_hex<Id>(value.get_ref<const std::string&>());
    if (!id) return complain(name, "an id in hexadecimal digits"), Id{};
    return *id;
  }

  const json& value_;
  std::string problem_;
};

Result<json> parse(ByteView text) {
  const std::string_view view = as_text(text);
  json value = json::parse(view.begin(), view.end(), nullptr, false);
  if (value.is_discarded()) return fail(Errc::protocol, "the message is not JSON");
  return value;
}

json to_json(const SnapshotInfo& info) {
  return {{"id", to_hex(info.id)},
          {"sequence", info.sequence},
          {"received", {{"seconds", info.received.seconds}, {"nanoseconds", info.received.nanoseconds}}},
          {"run", to_hex(info.run)},
          {"object", to_hex(info.object)}};
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
  Fields received(fields.child("received"));
  info.received.seconds = received.signed_number("seconds");
  info.received.nanoseconds = static_cast<std::uint32_t>(received.number("nanoseconds", 999'999'999));
  RB_TRY(fields.status());
  RB_TRY(received.status());
  return info;
}

Result<std::optional<SnapshotInfo>> optional_snapshot(Fields& fields, const char* name) {
  const json* value = fields.optional_child(name);
  if (!value) return std::nullopt;
  RB_TRY(SnapshotInfo info, snapshot_from(*value));
  return info;
}

json to_json(const ChunkParams& params) {
  return {{"algorithm", params.algorithm},
          {"min_bytes", params.min_bytes},
          {"average_bytes", params.average_bytes},
          {"max_bytes", params.max_bytes},
          {"key", to_hex(ByteView(params.key))}};
}

Result<ChunkParams> chunk_params_from(const json& value) {
  Fields fields(value);
  ChunkParams params;
  params.algorithm = static_cast<std::uint8_t>(fields.number("algorithm", UINT8_MAX));
  params.min_bytes = static_cast<std::uint32_t>(fields.number("min_bytes", UINT32_MAX));
  params.average_bytes = static_cast<std::uint32_t>(fields.number("average_bytes", UINT32_MAX));
  params.max_bytes = static_cast<std::uint32_t>(fields.number("max_bytes", UINT32_MAX));
  if (!from_hex(fields.text("key"), params.key)) fields.complain("key", "32 bytes in hexadecimal digits");
  RB_TRY(fields.status());
  RB_TRY(check_chunk_params(params));
  return params;
}

constexpr std::uint64_t kMaxLeaseSeconds = 7 * 24 * 3600;

}  // namespace

std::string encode_hello(const ServerHello& hello) {
  return dump({{"server", "rbbackupd"},
               {"version", hello.version},
               {"protocols", hello.protocols},
               {"limits",
                {{"ask_ids", kMaxAskIds},
                 {"read_ids", kMaxReadIds},
                 {"block_bytes", kMaxBlockBytes},
                 {"request_bytes", kMaxBlocksRequestBytes}}}});
}

Result<ServerHello> decode_hello(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  ServerHello hello;
  hello.version = fields.text("version");
  for (const json& item : fields.array("protocols")) {
    const bool fits = item.is_number_unsigned() && item.get<std::uint64_t>() <= INT32_MAX;
    if (!fits) return fail(Errc::protocol, "the field 'protocols' is not a list of numbers");
    hello.protocols.push_back(item.get<int>());
  }
  RB_TRY(fields.status());
  return hello;
}

std::string encode_begin(const BeginRequest& request) {
  json message = {{"run", to_hex(request.run)},
                  {"purpose", request.purpose == SessionPurpose::write ? "write" : "read"}};
  if (request.cached_tree) message["cached_tree"] = to_hex(*request.cached_tree);
  if (request.base) message["base"] = to_hex(*request.base);
  return dump(message);
}

Result<BeginRequest> decode_begin(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  BeginRequest request;
  request.run = fields.id<RunId>("run");
  const std::string purpose = fields.text("purpose");
  if (purpose != "write" && purpose != "read") fields.complain("purpose", "'write' or 'read'");
  request.purpose = purpose == "write" ? SessionPurpose::write : SessionPurpose::read;
  request.cached_tree = fields.optional_id<ObjectId>("cached_tree");
  request.base = fields.optional_id<SnapshotId>("base");
  RB_TRY(fields.status());
  return request;
}

std::string encode_begin_answer(const BeginAnswer& answer) {
  const SessionInfo& info = answer.info;
  json wanted = json::array();
  for (const ObjectId& id : info.wanted)
    wanted.push_back(to_hex(id));
  return dump({{"session", to_hex(answer.session)},
               {"lease_seconds", answer.lease.count()},
               {"node", info.node},
               {"repository", to_hex(info.repository)},
               {"chunk_params", to_json(info.chunk_params)},
               {"head", to_json(info.head)},
               {"already_committed", to_json(info.already_committed)},
               {"cache_holds", info.cache_holds},
               {"base_held", info.base_held},
               {"dont_ask", info.dont_ask},
               {"wanted", std::move(wanted)}});
}

Result<BeginAnswer> decode_begin_answer(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  BeginAnswer answer;
  SessionInfo& info = answer.info;
  answer.session = fields.id<SessionKey>("session");
  answer.lease = std::chrono::seconds(fields.number("lease_seconds", kMaxLeaseSeconds));
  info.node = fields.text("node");
  info.repository = fields.id<RepositoryId>("repository");
  info.cache_holds = fields.flag("cache_holds");
  info.base_held = fields.flag("base_held");
  info.dont_ask = fields.flag("dont_ask");
  info.wanted = fields.ids<ObjectId>("wanted");
  RB_TRY(fields.status());
  RB_TRY(info.chunk_params, chunk_params_from(fields.child("chunk_params")));
  RB_TRY(info.head, optional_snapshot(fields, "head"));
  RB_TRY(info.already_committed, optional_snapshot(fields, "already_committed"));
  RB_TRY(fields.status());
  return answer;
}

std::string encode_commit(const CommitMessage& message) {
  return dump({{"run", to_hex(message.run)}, {"snapshot", to_hex(message.snapshot)}});
}

Result<CommitMessage> decode_commit(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  const CommitMessage message{fields.id<RunId>("run"), fields.id<ObjectId>("snapshot")};
  RB_TRY(fields.status());
  return message;
}

std::string encode_commit_result(const CommitResult& result) {
  json message = {{"committed", result.committed}, {"head", to_json(result.head)}};
  if (!result.committed) {
    message["error"] = {{"code", std::string(to_string(Errc::conflict))},
                        {"message", "another run has committed in the meantime"}};
  }
  return dump(message);
}

Result<CommitResult> decode_commit_result(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  CommitResult result;
  result.committed = fields.flag("committed");
  RB_TRY(fields.status());
  RB_TRY(result.head, optional_snapshot(fields, "head"));
  if (result.committed && !result.head) return fail(Errc::protocol, "a commit without its snapshot");
  return result;
}

std::string encode_snapshots(const std::vector<SnapshotInfo>& snapshots) {
  json list = json::array();
  for (const SnapshotInfo& info : snapshots)
    list.push_back(to_json(info));
  return dump({{"snapshots", std::move(list)}});
}

Result<std::vector<SnapshotInfo>> decode_snapshots(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  std::vector<SnapshotInfo> snapshots;
  for (const json& item : fields.array("snapshots")) {
    RB_TRY(SnapshotInfo info, snapshot_from(item));
    snapshots.push_back(info);
  }
  RB_TRY(fields.status());
  return snapshots;
}

std::string encode_status(const StoreStatus& status) {
  return dump({{"node", status.node},
               {"server_version", status.server_version},
               {"snapshot_count", status.snapshot_count},
               {"object_count", status.object_count},
               {"stored_bytes", status.stored_bytes},
               {"node_stored_bytes", status.node_stored_bytes},
               {"quota_stored_bytes", status.quota_stored_bytes},
               {"node_logical_bytes", status.node_logical_bytes},
               {"quota_logical_bytes", status.quota_logical_bytes},
               {"read_only", status.read_only},
               {"read_only_reason", status.read_only_reason}});
}

Result<StoreStatus> decode_status(ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  StoreStatus status;
  status.node = fields.text("node");
  status.server_version = fields.text("server_version");
  status.snapshot_count = fields.number("snapshot_count");
  status.object_count = fields.number("object_count");
  status.stored_bytes = fields.number("stored_bytes");
  status.node_stored_bytes = fields.number("node_stored_bytes");
  status.quota_stored_bytes = fields.number("quota_stored_bytes");
  status.node_logical_bytes = fields.number("node_logical_bytes");
  status.quota_logical_bytes = fields.number("quota_logical_bytes");
  status.read_only = fields.flag("read_only");
  status.read_only_reason = fields.text("read_only_reason");
  RB_TRY(fields.status());
  return status;
}

std::string encode_count(const char* name, std::uint64_t count) {
  return dump({{name, count}});
}

Result<std::uint64_t> decode_count(const char* name, ByteView text) {
  RB_TRY(const json value, parse(text));
  Fields fields(value);
  const std::uint64_t count = fields.number(name);
  RB_TRY(fields.status());
  return count;
}

}  // namespace rb::api
