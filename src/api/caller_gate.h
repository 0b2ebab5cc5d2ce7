// Settles who a request comes from: on a Unix socket by the kernel's word, over the network by the credential
// that it shows. Decided anew for every request, so that removing a node bites at once. Tries that fail are
// limited. Never says or logs what was shown. Thread-safe.
#pragma once

#include <expected>

#include "api/attempt_limiter.h"
#include "api/backend.h"
#include "api/service.h"

namespace rb::api {

class CallerGate {
 public:
  CallerGate(Backend& backend, const Clock& clock) : backend_(backend), limiter_(clock, {}) {}

  // Or the answer that refuses: 401, 403 or 429. May wait.
  std::expected<Caller, Response> caller_of(const Peer& peer, const Request& head);
  // Which share of the server the request counts to, without waiting; a local user is believed to be let in.
  std::expected<std::uint64_t, Response> share_of(const Peer& peer, const Request& head);
  // Redeems an invitation: a try as any other.
  std::expected<JoinAnswer, Response> join(const Peer& peer, const JoinRequest& request);

 private:
  std::expected<Caller, Response> authenticate(const Peer& peer, const Request& head);
  Response refusal_of_failure(const Peer& peer, int status, const Error& error);

  Backend& backend_;
  AttemptLimiter limiter_;
};

}  // namespace rb::api
