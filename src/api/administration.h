// The resources of administrators: nodes and invitations, and how the server is. The caller was found to be
// one. Thread-safe.
#pragma once

#include "api/backend.h"
#include "api/metrics.h"
#include "api/routes.h"

namespace rb::api {

class Administration {
 public:
  Administration(Backend& backend, const ErrorCounts& errors) : backend_(backend), errors_(errors) {}

  // An error becomes the answer.
  Result<Response> handle(const Caller& caller, const Route& route, const Request& request);

 private:
  Result<Response> nodes();
  Result<Response> invite(const Caller& caller, const Request& request);
  Result<Response> remove(const Caller& caller, const Request& request);
  Result<Response> rename(const Caller& caller, const Request& request);
  Result<Response> token(const Caller& caller, const Request& request);
  Result<Response> tokens();
  Result<Response> revoke_token(const Caller& caller, const Request& request);
  Result<Response> next_key(const Caller& caller);
  Result<Response> switch_key(const Caller& caller);
  Result<Response> health();
  Result<Response> collect(const Caller& caller, const Request& request);
  Result<Response> metrics();

  Backend& backend_;
  const ErrorCounts& errors_;
};

}  // namespace rb::api
