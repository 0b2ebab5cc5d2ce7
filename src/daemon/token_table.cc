#include "daemon/token_table.h"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/node_table.h"

namespace rb::daemon {

namespace {

std::string line_of(std::string_view id, std::string_view made, std::string_view used,
                    std::string_view name) {
  // The name stands last, since its length is anybody's choice.
  return fmt::format("{:<18}{:<21}{:<21}{}\n", id, made, used, name);
}

}  // namespace

std::string token_table(const std::vector<TokenOverview>& tokens) {
  std::string text = line_of("TOKEN", "MADE", "LAST USED", "NAME");
  for (const TokenOverview& token : tokens) {
    text += line_of(to_hex(token.id), local_time(token.made),
                    token.last_used ? local_time(*token.last_used) : "-", printable_name(token.name));
  }
  return text;
}

}  // namespace rb::daemon
