#include "api/administration.h"

#include "api/answers.h"
#include "api/check_resources.h"
#include "api/collection_messages.h"
#include "api/history_resources.h"
#include "api/node_messages.h"
#include "base/log.h"

namespace rb::api {

Result<Response> Administration::handle(const Caller& caller, const Route& route, const Request& request) {
  switch (route.kind) {
    case RouteKind::nodes:
      return nodes();
    case RouteKind::invite:
      return invite(caller, request);
    case RouteKind::remove:
      return remove(caller, request);
    case RouteKind::rename:
      return rename(caller, request);
    case RouteKind::token:
      return token(caller, request);
    case RouteKind::tokens:
      return tokens();
    case RouteKind::revoke_token:
      return revoke_token(caller, request);
    case RouteKind::next_key:
      return next_key(caller);
    case RouteKind::switch_key:
      return switch_key(caller);
    case RouteKind::health:
      return health();
    case RouteKind::metrics:
      return metrics();
    case RouteKind::collect:
      return collect(caller, request);
    case RouteKind::begin_check:
    case RouteKind::check_state:
    case RouteKind::cancel_check:
      return handle_check(backend_.checker(), caller, route, request);
    default:
      return handle_history(backend_, caller, route, request);
  }
}

Result<Response> Administration::collect(const Caller& caller, const Request& request) {
  GarbageCollector* const collector = backend_.collector();
  if (collector == nullptr) return fail(Errc::unsupported, "nothing is collected here");
  RB_TRY(const CollectionOrder order, decode_collection_order(request.body));
  RB_TRY(const CollectionAnswer answer, collector->collect(order));
  if (!order.dry_run)
    log(LogLevel::info, "\"{}\" collected garbage: {} objects freed, {} bytes given back", caller.name,
        answer.dead, answer.bytes_freed);
  return json_response(200, encode_collection_answer(answer));
}

Result<Response> Administration::nodes() {
  RB_TRY(const std::vector<NodeOverview> found, backend_.registry().nodes());
  return json_response(200, encode_nodes(found));
}

// Where the link leads is settled first: an invitation that can't be handed over would be an open door that
// nobody knows of.
Result<Response> Administration::invite(const Caller& caller, const Request& request) {
  RB_TRY(const InvitationOrder order, decode_invitation_order(request.body));
  RB_TRY(const Reach reach, backend_.reach(order.address));
  RB_TRY(const Invitation made, backend_.registry().invite(order.invitation));
  InvitationAnswer answer;
  answer.link = encode_join_link({reach.address, made.node, reach.pin, made.secret});
  answer.node = made.node;
  answer.group = made.group;
  answer.expires = made.expires;
  answer.replaces = made.replaces;
  log(LogLevel::info, "\"{}\" invited the node \"{}\"{}", caller.name, made.node,
      made.replaces ? ", which exists" : "");
  return json_response(201, encode_invitation_answer(answer));
}

Result<Response> Administration::remove(const Caller& caller, const Request& request) {
  RB_TRY(const std::string node, decode_removal(request.body));
  RB_TRY(backend_.registry().remove(node));
  log(LogLevel::info, "\"{}\" removed the node \"{}\"", caller.name, node);
  return no_content();
}

Result<Response> Administration::rename(const Caller& caller, const Request& request) {
  RB_TRY(const Renaming names, decode_renaming(request.body));
  RB_TRY(backend_.registry().rename(names.from, names.to));
  log(LogLevel::info, "\"{}\" renamed the node \"{}\" to \"{}\"", caller.name, names.from, names.to);
  return no_content();
}

Result<Response> Administration::token(const Caller& caller, const Request& request) {
  RB_TRY(const std::string name, decode_token_order(request.body));
  RB_TRY(const AdministratorToken made, backend_.registry().make_administrator_token(name));
  log(LogLevel::info, "\"{}\" made the administrator's token \"{}\" ({})", caller.name, made.name,
      to_hex(made.credential.id));
  return json_response(201, encode_token(made));
}

Result<Response> Administration::tokens() {
  RB_TRY(const std::vector<TokenOverview> found, backend_.registry().administrator_tokens());
  return json_response(200, encode_tokens(found));
}

Result<Response> Administration::revoke_token(const Caller& caller, const Request& request) {
  RB_TRY(const std::string id, decode_revocation(request.body));
  RB_TRY(const TokenOverview revoked, backend_.registry().revoke_administrator_token(id));
  log(LogLevel::info, "\"{}\" revoked the administrator's token \"{}\" ({})", caller.name, revoked.name,
      to_hex(revoked.id));
  return json_response(200, encode_token_overview(revoked));
}

Result<Response> Administration::next_key(const Caller& caller) {
  RB_TRY(const KeyPin pin, backend_.make_next_key());
  log(LogLevel::info, "\"{}\" asked for a next key: clients are told of it", caller.name);
  return json_response(200, encode_key_pin(pin));
}

Result<Response> Administration::switch_key(const Caller& caller) {
  RB_TRY(const KeyPin pin, backend_.switch_key());
  log(LogLevel::info, "\"{}\" switched to the next key", caller.name);
  return json_response(200, encode_key_pin(pin));
}

Result<Response> Administration::health() {
  const BackendState state = backend_.state();
  if (!state.read_only) return text_response(200, "text/plain", "ok\n");
  return text_response(503, "text/plain", "read-only: " + state.read_only_reason + "\n");
}

Result<Response> Administration::metrics() {
  RB_TRY(const std::vector<NodeOverview> nodes, backend_.registry().nodes());
  return text_response(200, kMetricsContentType,
                       encode_metrics(backend_.state(), backend_.transport(), nodes, errors_));
}

}  // namespace rb::api
