#include "api/messages.h"

#include <algorithm>

#include "api/json_fields.h"

namespace rb::api {

namespace {

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
// Labels that are shown in lists and logs.
constexpr std::size_t kMaxLabelBytes = 100;

bool is_label(std::string_view text) {
  const auto is_printable = [](char c) { return c >= ' ' && c < 0x7f; };
  return text.size() <= kMaxLabelBytes && std::all_of(text.begin(), text.end(), is_printable);
}

std::string label_of(Fields& fields, const char* name) {
  std::string text = fields.optional_text(name);
  if (!is_label(text)) fields.complain(name, "a short text of printable ASCII");
  return text;
}

std::vector<std::string> texts_of(Fields& fields, const char* name) {
  std::vector<std::string> texts;
  if (!fields.optional_child(name)) return texts;
  for (const json& item : fields.array(name)) {
    if (!item.is_string()) return fields.complain(name, "a list of strings"), texts;
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

}  // namespace

std::string encode_hello(const ServerHello& hello) {
  return dump({{"server", "rbbackupd"},
               {"version", hello.version},
               {"protocols", hello.protocols},
               {"repository", to_hex(hello.repository)},
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
  hello.repository = fields.optional_id<RepositoryId>("repository").value_or(RepositoryId{});
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
  if (!request.client_version.empty()) message["client_version"] = request.client_version;
  if (!request.boot_id.empty()) message["boot_id"] = request.boot_id;
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
  request.client_version = label_of(fields, "client_version");
  request.boot_id = label_of(fields, "boot_id");
  RB_TRY(fields.status());
  return request;
}

std::string encode_begin_answer(const BeginAnswer& answer) {
  const SessionInfo& info = answer.info;
  json wanted = json::array();
  for (const ObjectId& id : info.wanted)
    wanted.push_back(to_hex(id));
  json message = {{"session", to_hex(answer.session)},
                  {"lease_seconds", answer.lease.count()},
                  {"node", info.node},
                  {"repository", to_hex(info.repository)},
                  {"chunk_params", to_json(info.chunk_params)},
                  {"head", to_json(info.head)},
                  {"already_committed", to_json(info.already_committed)},
                  {"cache_holds", info.cache_holds},
                  {"base_held", info.base_held},
                  {"dont_ask", info.dont_ask},
                  {"wanted", std::move(wanted)},
                  {"notices", info.notices}};
  if (answer.next_key) message["next_key"] = to_hex(*answer.next_key);
  return dump(message);
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
  info.notices = texts_of(fields, "notices");
  answer.next_key = fields.optional_id<KeyPin>("next_key");
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
