#include "api/caller_gate.h"

#include "api/answers.h"
#include "api/errors.h"
#include "api/join_link.h"
#include "base/log.h"

namespace rb::api {

namespace {

// Shares of nodes are their numbers, so those of others lie above.
constexpr std::uint64_t kLocalShares = 1ull << 32;
constexpr std::uint64_t kAdministratorShare = 1ull << 33;

Response too_many(std::chrono::seconds wait) {
  Response response = error_response(
      429, Error(Errc::busy, "too many failed attempts from this address: wait a little, then try again"));
  response.headers["retry-after"] = std::to_string(wait.count());
  return response;
}

Response unauthorized(const Error& error) {
  Response response = error_response(401, error);
  response.headers["www-authenticate"] = "Bearer";
  return response;
}

}  // namespace

std::expected<Caller, Response> CallerGate::caller_of(const Peer& peer, const Request& head) {
  if (!peer.local) return authenticate(peer, head);
  Result<Caller> caller = backend_.caller_of(peer);
  if (!caller) return std::unexpected(error_response(caller.error()));
  return std::move(*caller);
}

std::expected<std::uint64_t, Response> CallerGate::share_of(const Peer& peer, const Request& head) {
  if (peer.local) return kLocalShares + peer.uid;
  std::expected<Caller, Response> caller = authenticate(peer, head);
  if (!caller) return std::unexpected(std::move(caller).error());
  return caller->node == 0 ? kAdministratorShare : caller->node;
}

// Listening to a source that failed too often would let it go on guessing, whatever it is answered.
std::expected<Caller, Response> CallerGate::authenticate(const Peer& peer, const Request& head) {
  const std::string value = header_of(head, "authorization");
  if (value.empty()) {
    return std::unexpected(unauthorized(
        Error(Errc::denied,
              "this server wants a credential: 'rbbackup join LINK' gets one, with the link that "
              "'rbbackupd DIR invite NODE' prints")));
  }
  const std::optional<Credential> credential = decode_authorization(value);
  if (const auto wait = limiter_.wait_of_source(attempt_source(peer.address))) {
    if (!credential || !limiter_.is_known(*credential)) return std::unexpected(too_many(*wait));
  }
  if (!credential)
    return std::unexpected(
        refusal_of_failure(peer, 401, Error(Errc::denied, "the field Authorization holds no credential")));
  Result<Caller> caller = backend_.registry().authenticate(*credential);
  if (!caller) {
    if (caller.error().code != Errc::denied) return std::unexpected(error_response(caller.error()));
    return std::unexpected(refusal_of_failure(peer, 401, caller.error()));
  }
  limiter_.note_success(*credential);
  return std::move(*caller);
}

std::expected<JoinAnswer, Response> CallerGate::join(const Peer& peer, const JoinRequest& request) {
  const auto of_source = limiter_.wait_of_source(attempt_source(peer.address));
  const auto of_all = limiter_.wait_of_all();
  if (of_source || of_all) return std::unexpected(too_many(of_source ? *of_source : *of_all));
  Result<JoinAnswer> answer = backend_.registry().join(request);
  if (!answer) {
    if (answer.error().code != Errc::denied) return std::unexpected(error_response(answer.error()));
    return std::unexpected(refusal_of_failure(peer, 403, answer.error()));
  }
  log(LogLevel::info, "{} joined as the node \"{}\"", peer.address, answer->node);
  return std::move(*answer);
}

// Those of all together that fail too fast are neither told why nor logged.
Response CallerGate::refusal_of_failure(const Peer& peer, int status, const Error& error) {
  const auto wait = limiter_.wait_of_all();
  limiter_.note_failure(attempt_source(peer.address));
  if (wait) return too_many(*wait);
  log(LogLevel::warning, "refused {}: {}", peer.address, error.message);
  return status == 401 ? unauthorized(error) : error_response(status, error);
}

}  // namespace rb::api
