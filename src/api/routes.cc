#include "api/routes.h"

#include <charconv>

#include "api/bulk.h"
#include "api/errors.h"
#include "base/limits.h"

namespace rb::api {

namespace {

struct Pattern {
  std::string_view method;
  std::string_view path;  // "*" stands for the key of a session
  RouteKind kind;
};

constexpr Pattern kPatterns[] = {
    {"GET", "/v1/server", RouteKind::hello},
    {"POST", "/v1/nodes/self/sessions", RouteKind::begin},
    {"PUT", "/v1/nodes/self/head", RouteKind::commit},
    {"GET", "/v1/sessions/*", RouteKind::session_state},
    {"DELETE", "/v1/sessions/*", RouteKind::end},
    {"POST", "/v1/sessions/*/ask", RouteKind::ask},
    {"POST", "/v1/sessions/*/blocks", RouteKind::blocks},
    {"POST", "/v1/sessions/*/objects", RouteKind::objects},
    {"GET", "/v1/sessions/*/snapshots", RouteKind::snapshots},
    {"GET", "/v1/sessions/*/status", RouteKind::status},
    {"POST", "/v1/sessions/*/pin", RouteKind::own_pin},
    {"POST", "/v1/join", RouteKind::join},
    {"GET", "/v1/nodes", RouteKind::nodes},
    {"POST", "/v1/invitations", RouteKind::invite},
    {"POST", "/v1/nodes/remove", RouteKind::remove},
    {"POST", "/v1/nodes/rename", RouteKind::rename},
    {"POST", "/v1/administrator-tokens", RouteKind::token},
    {"GET", "/v1/administrator-tokens", RouteKind::tokens},
    {"POST", "/v1/administrator-tokens/revoke", RouteKind::revoke_token},
    {"POST", "/v1/keys/next", RouteKind::next_key},
    {"POST", "/v1/keys/switch", RouteKind::switch_key},
    {"POST", "/v1/prune", RouteKind::prune},
    {"POST", "/v1/history", RouteKind::history},
    {"POST", "/v1/history/pin", RouteKind::pin},
    {"POST", "/v1/history/undelete", RouteKind::undelete},
    {"GET", "/v1/stats", RouteKind::stats},
    {"POST", "/v1/collections", RouteKind::collect},
    {"POST", "/v1/check", RouteKind::begin_check},
    {"GET", "/v1/check", RouteKind::check_state},
    {"DELETE", "/v1/check", RouteKind::cancel_check},
    {"GET", "/healthz", RouteKind::health},
    {"GET", "/metrics", RouteKind::metrics},
};

// Whether `path` has the pattern's form; the session's key goes to `key`.
bool matches(std::string_view pattern, std::string_view path, SessionKey& key) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == path;
  constexpr std::size_t kDigits = 2 * SessionKey::kSize;
  const std::string_view tail = pattern.substr(star + 1);
  if (path.size() != star + kDigits + tail.size()) return false;
  if (path.substr(0, star) != pattern.substr(0, star) || path.substr(star + kDigits) != tail) return false;
  const std::optional<SessionKey> parsed = id_from_hex<SessionKey>(path.substr(star, kDigits));
  if (!parsed) return false;
  key = *parsed;
  return true;
}

// Our values are numbers only, so nothing is ever percent-encoded.
std::map<std::string, std::string> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  while (!text.empty()) {
    const std::string_view field = text.substr(0, text.find('&'));
    const std::size_t equals = field.find('=');
    if (equals != std::string_view::npos) query.emplace(field.substr(0, equals), field.substr(equals + 1));
    text.remove_prefix(std::min(text.size(), field.size() + 1));
  }
  return query;
}

}  // namespace

std::expected<Route, Response> find_route(const std::string& method, const std::string& target) {
  const std::string_view whole = target;
  const std::size_t mark = whole.find('?');
  const std::string_view path = whole.substr(0, mark);
  Route route;
  std::string allowed;
  for (const Pattern& pattern : kPatterns) {
    if (!matches(pattern.path, path, route.session)) continue;
    if (pattern.method == method) {
      route.kind = pattern.kind;
      if (mark != std::string_view::npos) route.query = parse_query(whole.substr(mark + 1));
      return route;
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(pattern.method);
  }
  if (allowed.empty())
    return std::unexpected(error_response(Error(Errc::not_found, "there is no such resource")));
  Response refusal = error_response(405, Error(Errc::protocol, "the resource does not take this method"));
  refusal.headers["allow"] = allowed;
  return std::unexpected(std::move(refusal));
}

RouteAccess access_of(RouteKind kind) {
  switch (kind) {
    case RouteKind::hello:
    case RouteKind::join:
      return RouteAccess::anybody;
    case RouteKind::nodes:
    case RouteKind::invite:
    case RouteKind::remove:
    case RouteKind::rename:
    case RouteKind::token:
    case RouteKind::tokens:
    case RouteKind::revoke_token:
    case RouteKind::next_key:
    case RouteKind::switch_key:
    case RouteKind::prune:
    case RouteKind::history:
    case RouteKind::pin:
    case RouteKind::undelete:
    case RouteKind::stats:
    case RouteKind::collect:
    case RouteKind::begin_check:
    case RouteKind::check_state:
    case RouteKind::cancel_check:
    case RouteKind::health:
    case RouteKind::metrics:
      return RouteAccess::administrator;
    default:
      return RouteAccess::node;
  }
}

std::size_t max_body_bytes(RouteKind kind) {
  constexpr std::size_t kMaxJsonBytes = 64 << 10;
  constexpr std::size_t kMaxShortJsonBytes = 4 << 10;  // anybody may send one of them
  switch (kind) {
    case RouteKind::hello:
    case RouteKind::session_state:
    case RouteKind::end:
    case RouteKind::snapshots:
    case RouteKind::status:
    case RouteKind::nodes:
    case RouteKind::tokens:
    case RouteKind::next_key:
    case RouteKind::switch_key:
    case RouteKind::stats:
    case RouteKind::check_state:
    case RouteKind::cancel_check:
    case RouteKind::health:
    case RouteKind::metrics:
      return 0;
    case RouteKind::collect:
    case RouteKind::begin_check:
    case RouteKind::join:
    case RouteKind::invite:
    case RouteKind::remove:
    case RouteKind::rename:
    case RouteKind::token:
    case RouteKind::revoke_token:
    case RouteKind::own_pin:
    case RouteKind::prune:
    case RouteKind::history:
    case RouteKind::pin:
    case RouteKind::undelete:
      return kMaxShortJsonBytes;
    case RouteKind::begin:
    case RouteKind::commit:
      return kMaxJsonBytes;
    case RouteKind::ask:
      return kMaxAskIds * ObjectId::kSize;
    case RouteKind::objects:
      return kMaxReadIds * ObjectId::kSize;
    case RouteKind::blocks:
      return kMaxBlocksRequestBytes;
  }
  return 0;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string encode_stream_position(const StreamPosition& position) {
  return position.metadata ? "meta; seq=" + std::to_string(position.first) : "data";
}

std::optional<StreamPosition> decode_stream_position(std::string_view text) {
  constexpr std::string_view kMeta = "meta; seq=";
  if (text == "data") return StreamPosition{};
  if (!text.starts_with(kMeta)) return std::nullopt;
  const std::optional<std::uint64_t> first = parse_decimal(text.substr(kMeta.size()));
  // Far from overflow, whatever is added to it.
  if (!first || *first > UINT64_MAX / 2) return std::nullopt;
  return StreamPosition{true, *first};
}

}  // namespace rb::api
