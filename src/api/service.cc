#include "api/service.h"

#include "api/administration.h"
#include "api/answers.h"
#include "api/caller_gate.h"
#include "api/errors.h"
#include "api/local_only_backend.h"
#include "api/node_messages.h"
#include "api/session_resources.h"

namespace rb::api {

struct Service::Impl {
  Impl(Backend& to_serve, const Clock& clock, const ServiceOptions& options)
      : backend(to_serve),
        gate(to_serve, clock),
        sessions(to_serve, clock, options.lease),
        administration(to_serve, errors) {}

  // Errors become the answer of handle().
  Result<Response> answer(const Peer& peer, const Route& route, const Request& request);
  Result<Response> join(const Peer& peer, const Request& request);

  std::unique_ptr<Backend> own_backend;
  Backend& backend;
  ErrorCounts errors;
  CallerGate gate;
  SessionResources sessions;
  Administration administration;
};

Service::Service(Backend& backend, const Clock& clock, ServiceOptions options)
    : impl_(std::make_unique<Impl>(backend, clock, options)) {}

Service::Service(StoreFactory store_for, const Clock& clock, ServiceOptions options) {
  std::unique_ptr<Backend> backend = make_local_only_backend(std::move(store_for));
  impl_ = std::make_unique<Impl>(*backend, clock, options);
  impl_->own_backend = std::move(backend);
}

// Sessions end while what they stand on is still there.
Service::~Service() {
  impl_->sessions.sessions().end_all();
}

void Service::expire_leases() {
  impl_->sessions.sessions().expire();
}

void Service::fence_all() {
  impl_->sessions.sessions().end_all();
}

// Here a local user's node is not asked for, since finding it may wait; handle() does it.
std::expected<Admission, Response> Service::admit(const Peer& peer, const Request& head) const {
  auto route = find_route(head.method, head.target);
  if (!route) return std::unexpected(std::move(route).error());
  Admission admission{max_body_bytes(route->kind), 0};
  if (access_of(route->kind) == RouteAccess::anybody) return admission;
  auto share = impl_->gate.share_of(peer, head);
  if (!share) {
    impl_->errors.note(Errc::denied);
    return std::unexpected(std::move(share).error());
  }
  admission.share = *share;
  return admission;
}

Response Service::handle(const Peer& peer, const Request& request) {
  auto route = find_route(request.method, request.target);
  if (!route) return std::move(route).error();
  if (request.body.size() > max_body_bytes(route->kind)) {
    return error_response(413, Error(Errc::protocol, "the body is too large"));
  }
  Result<Response> answer = impl_->answer(peer, *route, request);
  if (answer) return std::move(*answer);
  impl_->errors.note(answer.error().code);
  return error_response(answer.error());
}

Result<Response> Service::Impl::answer(const Peer& peer, const Route& route, const Request& request) {
  if (route.kind == RouteKind::hello) {
    return json_response(200, encode_hello({RB_VERSION, {kProtocolVersion}, backend.repository()}));
  }
  if (route.kind == RouteKind::join) return join(peer, request);
  const std::expected<Caller, Response> caller = gate.caller_of(peer, request);
  if (!caller) {
    errors.note(Errc::denied);
    return caller.error();
  }
  if (access_of(route.kind) == RouteAccess::node) return sessions.handle(peer, *caller, route, request);
  if (!caller->administrator) {
    return fail(Errc::denied,
                "only an administrator may: root, or the owner of the repository, on the "
                "server's own socket, or who has a token of 'rbbackupd DIR admin-token'");
  }
  return administration.handle(*caller, route, request);
}

Result<Response> Service::Impl::join(const Peer& peer, const Request& request) {
  RB_TRY(const JoinRequest wanted, decode_join_request(request.body));
  std::expected<JoinAnswer, Response> joined = gate.join(peer, wanted);
  if (joined) return json_response(200, encode_join_answer(*joined));
  errors.note(Errc::denied);
  return std::move(joined).error();
}

}  // namespace rb::api
