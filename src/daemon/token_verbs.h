// The verbs about administrators' tokens: admin-token, admin-tokens, revoke-token.
#pragma once

#include "daemon/administrator.h"

namespace rb::daemon {

Status run_admin_token(const Options& options, Administrator& administrator);
Status run_admin_tokens(const Options& options, Administrator& administrator);
Status run_revoke_token(const Options& options, Administrator& administrator);

}  // namespace rb::daemon
