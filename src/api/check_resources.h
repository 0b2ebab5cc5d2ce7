// The check that administrators order. The caller was found to be one.
#pragma once

#include "api/backend.h"
#include "api/check_messages.h"
#include "api/routes.h"

namespace rb::api {

// An error becomes the answer; the others tell how the check is doing.
Result<Response> handle_check(Checker* checker, const Caller& caller, const Route& route,
                              const Request& request);

}  // namespace rb::api
