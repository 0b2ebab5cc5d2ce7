#include "api/client_codec.h"

#include <fmt/format.h>

#include "api/bulk.h"
#include "api/errors.h"

namespace rb::api {

namespace {

Request make_request(const char* method, std::string target) {
  Request request;
  request.method = method;
  request.target = std::move(target);
  return request;
}

std::string session_target(const SessionKey& session, const char* tail) {
  return "/v1/sessions/" + to_hex(session) + tail;
}

Request json_request(const char* method, std::string target, const std::string& text) {
  Request request = make_request(method, std::move(target));
  request.headers["content-type"] = "application/json";
  append(request.body, as_bytes(text));
  return request;
}

Request ids_request(std::string target, std::span<const ObjectId> ids) {
  Request request = make_request("POST", std::move(target));
  request.headers["content-type"] = "application/octet-stream";
  request.body = encode_ids(ids);
  return request;
}

Status check_status(const Response& answer, int expected) {
  if (answer.status == expected) return {};
  if (answer.status >= 400) return std::unexpected(decode_error(answer.status, answer.body));
  return fail(Errc::protocol,
              fmt::format("the server answered with the unexpected status {}", answer.status));
}

// Of resources that every server of this version has.
Status check_version(const Response& answer) {
  if (answer.status != 404) return {};
  return fail(Errc::unsupported,
              fmt::format("the server does not speak version {} of the protocol", kProtocolVersion));
}

}  // namespace

Request join_request(const JoinRequest& request) {
  return json_request("POST", "/v1/join", encode_join_request(request));
}

Result<JoinAnswer> parse_join(const Response& answer) {
  RB_TRY(check_version(answer));
  RB_TRY(check_status(answer, 200));
  return decode_join_answer(answer.body);
}

Request begin_request(const BeginRequest& wanted) {
  return json_request("POST", "/v1/nodes/self/sessions", encode_begin(wanted));
}

Result<BeginAnswer> parse_begin(const Response& answer) {
  RB_TRY(check_version(answer));
  RB_TRY(check_status(answer, 201));
  return decode_begin_answer(answer.body);
}

Request ask_request(const SessionKey& session, std::span<const ObjectId> ids) {
  return ids_request(session_target(session, "/ask"), ids);
}

Result<std::vector<Presence>> parse_ask(const Response& answer, std::size_t count) {
  RB_TRY(check_status(answer, 200));
  return decode_presences(answer.body, count);
}

Request blocks_request(const SessionKey& session, const StreamPosition& position) {
  Request request = make_request("POST", session_target(session, "/blocks"));
  request.headers["content-type"] = "application/octet-stream";
  request.headers["rb-stream"] = encode_stream_position(position);
  return request;
}

Status parse_blocks(const Response& answer, const StreamPosition& position, std::size_t count) {
  RB_TRY(check_status(answer, 200));
  RB_TRY(const std::uint64_t told, decode_count(position.metadata ? "next" : "blocks", answer.body));
  const std::uint64_t right = position.metadata ? position.first + count : count;
  if (told == right) return {};
  return fail(Errc::protocol, fmt::format("the server acknowledged {} where {} was right", told, right));
}

Request commit_request(const SessionKey& session, const RunId& run, const CommitRequest& commit) {
  Request request = json_request("PUT", "/v1/nodes/self/head", encode_commit({run, commit.snapshot}));
  request.headers["rb-session"] = to_hex(session);
  if (commit.expected_head) {
    request.headers["if-match"] = '"' + to_hex(*commit.expected_head) + '"';
  } else {
    request.headers["if-none-match"] = "*";
  }
  return request;
}

Result<CommitResult> parse_commit(const Response& answer) {
  if (answer.status != 412) RB_TRY(check_status(answer, 200));
  RB_TRY(CommitResult result, decode_commit_result(answer.body));
  if (result.committed != (answer.status == 200))
    return fail(Errc::protocol, "a commit's status contradicts its body");
  return result;
}

Request objects_request(const SessionKey& session, std::span<const ObjectId> ids, Neighbours neighbours) {
  const char* const tail = neighbours == Neighbours::welcome ? "/objects" : "/objects?alone=1";
  return ids_request(session_target(session, tail), ids);
}

Request snapshots_request(const SessionKey& session, const SnapshotQuery& query) {
  const std::string tail = fmt::format("/snapshots?before={}&limit={}{}", query.before_sequence, query.limit,
                                       query.deleted ? "&deleted=1" : "");
  return make_request("GET", session_target(session, tail.c_str()));
}

Result<std::vector<SnapshotInfo>> parse_snapshots(const Response& answer, const SnapshotQuery& query) {
  RB_TRY(check_status(answer, 200));
  RB_TRY(auto snapshots, decode_snapshots(answer.body));
  // Newest first, all before the bound: a caller that pages by it must come to an end.
  std::uint64_t bound = query.before_sequence;
  for (const SnapshotInfo& info : snapshots) {
    if (info.sequence >= bound) return fail(Errc::protocol, "the server's list of snapshots is out of order");
    bound = info.sequence;
  }
  return snapshots;
}

Request own_pin_request(const SessionKey& session, const PinOrder& order) {
  return json_request("POST", session_target(session, "/pin"), encode_pin_order(order));
}

Request status_request(const SessionKey& session) {
  return make_request("GET", session_target(session, "/status"));
}

Result<StoreStatus> parse_status(const Response& answer) {
  RB_TRY(check_status(answer, 200));
  return decode_status(answer.body);
}

Request keep_alive_request(const SessionKey& session) {
  return make_request("GET", session_target(session, ""));
}

Status parse_keep_alive(const Response& answer) {
  return check_status(answer, 200);
}

Request end_request(const SessionKey& session) {
  return make_request("DELETE", session_target(session, ""));
}

Request nodes_request() {
  return make_request("GET", "/v1/nodes");
}

Result<std::vector<NodeOverview>> parse_nodes(const Response& answer) {
  RB_TRY(check_status(answer, 200));
  return decode_nodes(answer.body);
}

Request invitation_request(const InvitationOrder& order) {
  return json_request("POST", "/v1/invitations", encode_invitation_order(order));
}

Result<InvitationAnswer> parse_invitation(const Response& answer) {
  RB_TRY(check_status(answer, 201));
  return decode_invitation_answer(answer.body);
}

Request removal_request(const std::string& node) {
  return json_request("POST", "/v1/nodes/remove", encode_removal(node));
}

Request renaming_request(const Renaming& renaming) {
  return json_request("POST", "/v1/nodes/rename", encode_renaming(renaming));
}

Status parse_done(const Response& answer) {
  return check_status(answer, 204);
}

Request next_key_request() {
  return make_request("POST", "/v1/keys/next");
}

Request switch_key_request() {
  return make_request("POST", "/v1/keys/switch");
}

Result<KeyPin> parse_key(const Response& answer) {
  RB_TRY(check_status(answer, 200));
  return decode_key_pin(answer.body);
}

Request prune_request(const PruneRequest& request) {
  return json_request("POST", "/v1/prune", encode_prune_request(request));
}

Result<std::vector<PrunedNode>> parse_pruned(const Response& answer) {
  RB_TRY(check_status(answer, 200));
  return decode_pruned(answer.body);
}

Request history_request(const std::string& node) {
  return json_request("POST", "/v1/history", encode_snapshot_order({.node = node}));
}

Result<std::vector<KeptSnapshot>> parse_history(const Response& answer) {
  RB_TRY(check_status(answer, 200));
  return decode_kept_snapshots(answer.body);
}

Request pin_request(const SnapshotOrder& order) {
  return json_request("POST", "/v1/history/pin", encode_snapshot_order(order));
}

Request undelete_request(const SnapshotOrder& order) {
  return json_request("POST", "/v1/history/undelete", encode_snapshot_order(order));
}

Request stats_request() {
  return make_request("GET", "/v1/stats");
}

Result<StatsAnswer> parse_stats(const Response& answer) {
  RB_TRY(check_status(answer, 200));
  return decode_stats(answer.body);
}

Request hello_request() {
  return make_request("GET", "/v1/server");
}

Result<ServerHello> parse_hello(const Response& answer) {
  RB_TRY(check_status(answer, 200));
  return decode_hello(answer.body);
}

Request token_request(const std::string& name) {
  return json_request("POST", "/v1/administrator-tokens", encode_token_order(name));
}

Result<AdministratorToken> parse_token(const Response& answer) {
  RB_TRY(check_status(answer, 201));
  return decode_token(answer.body);
}

Request tokens_request() {
  return make_request("GET", "/v1/administrator-tokens");
}

Result<std::vector<TokenOverview>> parse_tokens(const Response& answer) {
  RB_TRY(check_status(answer, 200));
  return decode_tokens(answer.body);
}

Request revocation_request(const std::string& id) {
  return json_request("POST", "/v1/administrator-tokens/revoke", encode_revocation(id));
}

Result<TokenOverview> parse_revocation(const Response& answer) {
  RB_TRY(check_status(answer, 200));
  return decode_token_overview(answer.body);
}

bool says_dont_ask(const Response& answer) {
  return answer.headers.contains("rb-dont-ask");
}

}  // namespace rb::api
