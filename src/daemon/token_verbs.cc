#include "daemon/token_verbs.h"

#include <fmt/format.h>

#include "api/client_codec.h"
#include "daemon/token_table.h"

namespace rb::daemon {

Status run_admin_token(const Options& options, Administrator& administrator) {
  RB_TRY(const api::Response answer, administrator.ask(api::token_request(options.name)));
  RB_TRY(const AdministratorToken token, api::parse_token(answer));
  const std::string id = to_hex(token.credential.id);
  fmt::print("{}{}\n", id, to_hex(token.credential.secret));
  fmt::print(
      stderr,
      "shown this once; to be sent as 'Authorization: Bearer TOKEN'. 'admin-tokens' lists it as '{}', and "
      "'revoke-token {}' ends it\n",
      token.name, id);
  return {};
}

Status run_admin_tokens(const Options& options, Administrator& administrator) {
  RB_TRY(const api::Response answer, administrator.ask(api::tokens_request()));
  RB_TRY(const std::vector<TokenOverview> tokens, api::parse_tokens(answer));
  if (!options.json) {
    fmt::print("{}", token_table(tokens));
    return {};
  }
  for (const TokenOverview& token : tokens)
    fmt::print("{}\n", api::encode_token_overview(token));
  return {};
}

Status run_revoke_token(const Options& options, Administrator& administrator) {
  RB_TRY(const api::Response answer, administrator.ask(api::revocation_request(options.words[0])));
  RB_TRY(const TokenOverview token, api::parse_revocation(answer));
  fmt::print(stderr, "the token '{}' ({}) gets in no more\n", token.name, to_hex(token.id));
  return {};
}

}  // namespace rb::daemon
