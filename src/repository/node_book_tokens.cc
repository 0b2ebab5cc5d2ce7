// Administrators' tokens: what makes, lists and revokes them. No message repeats what was given as an id: it
// may have been the whole token, pasted by mistake.
#include <algorithm>

#include <fmt/format.h>

#include "base/random.h"
#include "repository/node_book.h"

namespace rb {

namespace {

constexpr std::size_t kIdDigits = 2 * CredentialId::kSize;

TokenOverview overview_of(const CatalogCredential& token) {
  return {.id = token.id, .name = token.name, .made = token.made};
}

bool is_beginning_of_id(const std::string& text) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return !text.empty() && text.size() <= kIdDigits && std::ranges::all_of(text, is_digit);
}

}  // namespace

Result<AdministratorToken> NodeBook::make_administrator_token(const std::string& name) {
  if (!name.empty() && !valid_node_name(name)) {
    return fail(Errc::invalid_argument, "a token's name has the form of a node's name");
  }
  AdministratorToken token{{random_id<CredentialId>(), random_id<SecretKey>()}, name};
  const std::lock_guard lock(changes_);
  // Revoked ones count, so that no two that were never named have the same name.
  if (name.empty()) token.name = fmt::format("token-{}", credentials_.tokens().size() + 1);
  RB_TRY(change(AdministratorRecord{.made = clock_.wall(),
                                    .credential = token.credential.id,
                                    .secret = hash_secret(token.credential.id, token.credential.secret),
                                    .name = token.name}));
  return token;
}

std::vector<TokenOverview> NodeBook::administrator_tokens() const {
  const std::shared_lock lock(state_mutex_);
  std::vector<TokenOverview> tokens;
  for (const CatalogCredential* token : credentials_.tokens()) {
    if (!token->revoked) tokens.push_back(overview_of(*token));
  }
  std::ranges::stable_sort(tokens, {}, &TokenOverview::made);
  return tokens;
}

// Among those that hold, which are the ones that are listed; the others only explain why there is none.
Result<const CatalogCredential*> NodeBook::token_called(const std::string& id) const {
  if (!is_beginning_of_id(id)) {
    return fail(Errc::invalid_argument,
                fmt::format("a token's id has {} digits 0-9 a-f, or is the beginning of them", kIdDigits));
  }
  const CatalogCredential* found = nullptr;
  bool was_revoked = false;
  for (const CatalogCredential* token : credentials_.tokens()) {
    if (!to_hex(token->id).starts_with(id)) continue;
    if (token->revoked) {
      was_revoked = true;
    } else if (found != nullptr) {
      return fail(Errc::invalid_argument, "the ids of several tokens begin so: give more of its digits");
    } else {
      found = token;
    }
  }
  if (found == nullptr && was_revoked) return fail(Errc::conflict, "this token was revoked already");
  if (found == nullptr) return fail(Errc::not_found, "there is no administrator's token of this id");
  return found;
}

Result<TokenOverview> NodeBook::revoke_administrator_token(const std::string& id) {
  const std::lock_guard lock(changes_);
  RB_TRY(const CatalogCredential* const found, token_called(id));
  const TokenOverview token = overview_of(*found);
  RB_TRY(change(RevocationRecord{.made = clock_.wall(), .credential = token.id}));
  return token;
}

}  // namespace rb
