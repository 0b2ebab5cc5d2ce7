#include "api/session_resources.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/answers.h"
#include "api/bulk.h"
#include "api/errors.h"
#include "api/history_messages.h"
#include "base/limits.h"
#include "base/random.h"

namespace rb::api {

namespace {

std::string entity_tag(const SnapshotId& id) {
  return '"' + to_hex(id) + '"';
}

// If-Match: "id" expects that head, If-None-Match: * expects none. One of them must be there: a commit that
// expects nothing would be a lost update waiting to happen.
Result<std::optional<SnapshotId>> expected_head_of(const Request& request) {
  const std::string match = header_of(request, "if-match");
  const std::string none_match = header_of(request, "if-none-match");
  if (match.empty() && none_match == "*") return std::nullopt;
  constexpr std::size_t kTagLength = 2 * SnapshotId::kSize + 2;
  if (none_match.empty() && match.size() == kTagLength && match.front() == '"' && match.back() == '"') {
    const auto id = id_from_hex<SnapshotId>(std::string_view(match).substr(1, kTagLength - 2));
    if (id) return id;
  }
  return fail(Errc::protocol, "a commit needs either If-Match with a snapshot's id or If-None-Match: *");
}

// A number of the query, or `otherwise` when it is not there.
Result<std::uint64_t> query_number(const Route& route, const char* name, std::uint64_t otherwise) {
  const auto at = route.query.find(name);
  if (at == route.query.end()) return otherwise;
  const std::optional<std::uint64_t> value = parse_decimal(at->second);
  if (!value) return fail(Errc::protocol, fmt::format("'{}' is not a number", name));
  return *value;
}

}  // namespace

SessionResources::SessionResources(Backend& backend, const Clock& clock, std::chrono::seconds lease)
    : backend_(backend), lease_(lease), sessions_(clock, lease) {}

Result<Response> SessionResources::handle(const Peer& peer, const Caller& caller, const Route& route,
                                          const Request& request) {
  if (caller.node == 0)
    return fail(Errc::denied, "an administrator's token is no node: it has no backups of its own");
  switch (route.kind) {
    case RouteKind::begin:
      return begin(peer, caller, request);
    case RouteKind::commit:
      return commit(caller, request);
    case RouteKind::objects:
      return give_objects(caller, route, request);
    default:
      return in_session(caller, route, request);
  }
}

Result<Response> SessionResources::begin(const Peer& peer, const Caller& caller, const Request& request) {
  RB_TRY(BeginRequest wanted, decode_begin(request.body));
  wanted.client_address = peer.local ? "local" : peer.address;
  sessions_.end_run(caller.node, wanted.run);
  auto open = std::make_shared<OpenSession>();
  RB_TRY(open->store, backend_.store_for(caller));
  RB_TRY(open->session, open->store->begin(wanted));
  open->key = random_id<SessionKey>();
  open->node = caller.node;
  open->run = wanted.run;
  BeginAnswer answer;
  answer.session = open->key;
  answer.lease = lease_;
  answer.info = open->session->info();
  answer.next_key = backend_.next_key();
  Response response = json_response(201, encode_begin_answer(answer));
  response.headers["location"] = "/v1/sessions/" + to_hex(open->key);
  if (answer.info.head) response.headers["etag"] = entity_tag(answer.info.head->id);
  sessions_.insert(std::move(open));
  return response;
}

// A run's commit is looked for before its session is believed dead: repeating one whose answer was lost gives
// the first result, whatever became of the session.
Result<Response> SessionResources::commit(const Caller& caller, const Request& request) {
  RB_TRY(const CommitMessage message, decode_commit(request.body));
  const auto key = id_from_hex<SessionKey>(header_of(request, "rb-session"));
  if (!key) return fail(Errc::protocol, "a commit needs the header field Rb-Session");
  Result<SessionTable::Use> use = sessions_.use(*key, caller.node);
  Result<Response> answer =
      use ? commit_in(**use, message, request) : Result<Response>(std::unexpected(use.error()));
  if (answer || answer.error().code != Errc::fenced) return answer;
  return earlier_commit(caller, message, answer.error());
}

Result<Response> SessionResources::commit_in(OpenSession& open, const CommitMessage& message,
                                             const Request& request) {
  if (message.run != open.run) return fail(Errc::protocol, "the commit names another run than its session");
  RB_TRY(const std::optional<SnapshotId> expected, expected_head_of(request));
  RB_TRY(const CommitResult result, open.session->commit({message.snapshot, expected}));
  Response response = json_response(result.committed ? 200 : 412, encode_commit_result(result));
  if (result.head) response.headers["etag"] = entity_tag(result.head->id);
  return response;
}

Result<Response> SessionResources::earlier_commit(const Caller& caller, const CommitMessage& message,
                                                  const Error& fenced) {
  RB_TRY(const std::unique_ptr<Store> store, backend_.store_for(caller));
  BeginRequest look_up;
  look_up.run = message.run;
  look_up.purpose = SessionPurpose::read;
  RB_TRY(const std::unique_ptr<Session> session, store->begin(look_up));
  const std::optional<SnapshotInfo> found = session->info().already_committed;
  if (!found) return std::unexpected(fenced);
  Response response = json_response(200, encode_commit_result({.committed = true, .head = *found}));
  response.headers["etag"] = entity_tag(found->id);
  return response;
}

Result<Response> SessionResources::in_session(const Caller& caller, const Route& route,
                                              const Request& request) {
  RB_TRY(const SessionTable::Use use, sessions_.use(route.session, caller.node));
  Result<Response> answer = dispatch(use, route, request);
  if (!answer && answer.error().code == Errc::fenced) sessions_.end(route.session);
  if (answer && !use->session->must_ask()) answer->headers["rb-dont-ask"] = "yes";
  return answer;
}

Result<Response> SessionResources::dispatch(const SessionTable::Use& use, const Route& route,
                                            const Request& request) {
  switch (route.kind) {
    case RouteKind::session_state:
      return json_response(200, encode_count("lease_seconds", static_cast<std::uint64_t>(lease_.count())));
    case RouteKind::end:
      sessions_.end(route.session);
      return no_content();
    case RouteKind::ask:
      return ask(*use, request);
    case RouteKind::blocks:
      return take_blocks(*use, request);
    case RouteKind::snapshots:
      return snapshots(*use, route);
    case RouteKind::status: {
      RB_TRY(const StoreStatus status, use->session->status());
      return json_response(200, encode_status(status));
    }
    case RouteKind::own_pin: {
      RB_TRY(const PinOrder order, decode_pin_order(request.body));
      RB_TRY(use->session->pin(order.snapshot, order.pinned));
      return no_content();
    }
    default:
      return fail(Errc::not_found, "there is no such resource");
  }
}

Result<Response> SessionResources::ask(OpenSession& open, const Request& request) {
  RB_TRY(const std::vector<ObjectId> ids, decode_ids(request.body, kMaxAskIds));
  RB_TRY(const std::vector<Presence> answers, open.session->ask(ids));
  return binary_response(encode_presences(answers));
}

Result<Response> SessionResources::take_blocks(OpenSession& open, const Request& request) {
  const auto position = decode_stream_position(header_of(request, "rb-stream"));
  if (!position) return fail(Errc::protocol, "blocks need the header field Rb-Stream: data, or meta; seq=N");
  RB_TRY(const std::vector<ByteView> blocks, cut_blocks(request.body));
  if (position->metadata) return take_metadata(open, position->first, blocks);
  for (const ByteView block : blocks)
    RB_TRY(open.session->put_borrowed(block));
  // Answering is acknowledging, so nothing is answered before it is on stable storage.
  RB_TRY(open.session->flush());
  return json_response(200, encode_count("blocks", blocks.size()));
}

// The numbers make a repeated request harmless: what was taken the first time is skipped, and the answer is
// the same.
Result<Response> SessionResources::take_metadata(OpenSession& open, std::uint64_t first,
                                                 std::span<const ByteView> blocks) {
  const std::lock_guard lock(open.metadata_mutex);
  if (first > open.metadata_next) {
    return error_response(409, Error(Errc::protocol, fmt::format("metadata blocks {} to {} are missing",
                                                                 open.metadata_next, first - 1)));
  }
  const std::uint64_t end = first + blocks.size();
  while (open.metadata_next < end) {
    const ByteView block = blocks[open.metadata_next - first];
    RB_TRY(open.session->put_borrowed(block));
    open.metadata_next++;
  }
  RB_TRY(open.session->flush());
  return json_response(200, encode_count("next", end));
}

// The session is held until the last block is given, by the closure.
Result<Response> SessionResources::give_objects(const Caller& caller, const Route& route,
                                                const Request& request) {
  RB_TRY(SessionTable::Use use, sessions_.use(route.session, caller.node));
  RB_TRY(std::vector<ObjectId> ids, decode_ids(request.body, kMaxReadIds));
  RB_TRY(const std::uint64_t alone, query_number(route, "alone", 0));
  const Neighbours neighbours = alone != 0 ? Neighbours::unwanted : Neighbours::welcome;
  Response response = binary_response({});
  if (!use->session->must_ask()) response.headers["rb-dont-ask"] = "yes";
  auto held = std::make_shared<SessionTable::Use>(std::move(use));
  response.stream = [held, neighbours, wanted = std::move(ids)](const Response::PieceSink& sink) -> Status {
    return (*held)->session->read(wanted, neighbours, sink);
  };
  return response;
}

Result<Response> SessionResources::snapshots(OpenSession& open, const Route& route) {
  SnapshotQuery query;
  RB_TRY(query.before_sequence, query_number(route, "before", UINT64_MAX));
  RB_TRY(const std::uint64_t limit, query_number(route, "limit", query.limit));
  query.limit = static_cast<std::size_t>(std::min<std::uint64_t>(limit, 1000));
  RB_TRY(const std::uint64_t deleted, query_number(route, "deleted", 0));
  query.deleted = deleted != 0;
  RB_TRY(const std::vector<SnapshotInfo> found, open.session->snapshots(query));
  return json_response(200, encode_snapshots(found));
}

}  // namespace rb::api
