// The resources of administrators about histories. The caller was found to be one. Thread-safe.
#pragma once

#include "api/backend.h"
#include "api/routes.h"

namespace rb::api {

// An error becomes the answer. Errc::unsupported where the backend keeps no histories.
Result<Response> handle_history(Backend& backend, const Caller& caller, const Route& route,
                                const Request& request);

}  // namespace rb::api
