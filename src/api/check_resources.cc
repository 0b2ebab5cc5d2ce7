#include "api/check_resources.h"

#include "api/answers.h"
#include "base/log.h"

namespace rb::api {

Result<Response> handle_check(Checker* checker, const Caller& caller, const Route& route,
                              const Request& request) {
  if (checker == nullptr) return fail(Errc::unsupported, "nothing can be checked here");
  if (route.kind == RouteKind::begin_check) {
    RB_TRY(const CheckRequest order, decode_check_request(request.body));
    RB_TRY(checker->begin_check(order));
    log(LogLevel::info, "\"{}\" began a check{}", caller.name, order.data ? " of all data" : "");
  } else if (route.kind == RouteKind::cancel_check) {
    checker->cancel_check();
    log(LogLevel::info, "\"{}\" stopped the check", caller.name);
  }
  return json_response(200, encode_check_answer(checker->check_state()));
}

}  // namespace rb::api
