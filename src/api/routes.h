// Which request is meant by a method and a target. Knows no session and no store.
#pragma once

#include "api/messages.h"
#include "api/service.h"

namespace rb::api {

enum class RouteKind : std::uint8_t {
  hello,          // GET    /v1/server
  begin,          // POST   /v1/nodes/self/sessions
  commit,         // PUT    /v1/nodes/self/head
  session_state,  // GET    /v1/sessions/{id}
  end,            // DELETE /v1/sessions/{id}
  ask,            // POST   /v1/sessions/{id}/ask
  blocks,         // POST   /v1/sessions/{id}/blocks
  objects,        // POST   /v1/sessions/{id}/objects
  snapshots,      // GET    /v1/sessions/{id}/snapshots
  status,         // GET    /v1/sessions/{id}/status
  own_pin,        // POST   /v1/sessions/{id}/pin
  join,           // POST   /v1/join
  // For administrators only:
  nodes,         // GET    /v1/nodes
  invite,        // POST   /v1/invitations
  remove,        // POST   /v1/nodes/remove
  rename,        // POST   /v1/nodes/rename
  token,         // POST   /v1/administrator-tokens
  tokens,        // GET    /v1/administrator-tokens
  revoke_token,  // POST   /v1/administrator-tokens/revoke
  next_key,      // POST   /v1/keys/next
  switch_key,    // POST   /v1/keys/switch
  prune,         // POST   /v1/prune
  history,       // POST   /v1/history
  pin,           // POST   /v1/history/pin
  undelete,      // POST   /v1/history/undelete
  stats,         // GET    /v1/stats
  collect,       // POST   /v1/collections
  begin_check,   // POST   /v1/check
  check_state,   // GET    /v1/check
  cancel_check,  // DELETE /v1/check
  health,        // GET    /healthz
  metrics,       // GET    /metrics
};

// What a request must show before its body is read.
enum class RouteAccess : std::uint8_t { anybody, node, administrator };
RouteAccess access_of(RouteKind kind);

struct Route {
  RouteKind kind = RouteKind::hello;
  SessionKey session;  // zero where the target names none
  std::map<std::string, std::string> query;
};

// Or the answer that refuses it: 404 for no such thing, 405 for another method than the thing has.
std::expected<Route, Response> find_route(const std::string& method, const std::string& target);

// The largest body a request of this kind may have.
std::size_t max_body_bytes(RouteKind kind);

// A whole number in decimal digits, all of `text`.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

// The stream that a request of blocks belongs to, as its header field Rb-Stream says: "data", or "meta;
// seq=N" with the number of its first block.
struct StreamPosition {
  bool metadata = false;
  std::uint64_t first = 0;
  bool operator==(const StreamPosition&) const = default;
};
std::string encode_stream_position(const StreamPosition& position);
std::optional<StreamPosition> decode_stream_position(std::string_view text);

}  // namespace rb::api
