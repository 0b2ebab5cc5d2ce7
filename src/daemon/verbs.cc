#include "daemon/verbs.h"

#include <fmt/format.h>

#include "api/client_codec.h"
#include "daemon/administrator.h"
#include "daemon/history_verbs.h"
#include "daemon/node_table.h"
#include "daemon/token_verbs.h"
#include "daemon/verb_check.h"

namespace rb::daemon {

namespace {

Status invite(const Options& options, Administrator& administrator) {
  api::InvitationOrder order;
  order.invitation.node = options.words[0];
  order.invitation.group = options.group;
  if (options.expires) order.invitation.lifetime = *options.expires;
  order.address = options.address;
  RB_TRY(const api::Response answer, administrator.ask(api::invitation_request(order)));
  RB_TRY(const api::InvitationAnswer made, api::parse_invitation(answer));
  fmt::print("{}\n", made.link);
  fmt::print(stderr, "good once, until {}: on the other machine, 'rbbackup join LINK' with the line above\n",
             local_time(made.expires));
  if (made.replaces) {
    fmt::print(stderr,
               "'{}' exists: who joins gets its history, and the machine that has it now gets in no more\n",
               made.node);
  }
  return {};
}

Status nodes(const Options& options, Administrator& administrator) {
  RB_TRY(const api::Response answer, administrator.ask(api::nodes_request()));
  RB_TRY(const std::vector<NodeOverview> found, api::parse_nodes(answer));
  if (!options.json) {
    fmt::print("{}", node_table(found));
    return {};
  }
  for (const NodeOverview& node : found)
    fmt::print("{}\n", api::encode_node(node));
  return {};
}

Status remove(const Options& options, Administrator& administrator) {
  RB_TRY(const api::Response answer, administrator.ask(api::removal_request(options.words[0])));
  RB_TRY(api::parse_done(answer));
  fmt::print(stderr, "'{}' gets in no more; its copies stay\n", options.words[0]);
  return {};
}

Status rename(const Options& options, Administrator& administrator) {
  RB_TRY(const api::Response answer,
         administrator.ask(api::renaming_request({options.words[0], options.words[1]})));
  return api::parse_done(answer);
}

Status new_key(const Options& options, Administrator& administrator) {
  RB_TRY(const api::Response answer,
         administrator.ask(options.switch_key ? api::switch_key_request() : api::next_key_request()));
  RB_TRY(const api::KeyPin pin, api::parse_key(answer));
  fmt::print("{}\n", to_hex(pin));
  if (options.switch_key) {
    fmt::print(stderr,
               "this is the server's key now; machines that never learned of it have to join again\n");
  } else {
    fmt::print(stderr,
               "machines learn of this key with their next backup; when all have made one, use it with "
               "'rbbackupd {} new-key --switch'\n",
               options.directory);
  }
  return {};
}

}  // namespace

Status run_verb(const Options& options, const Config& config) {
  if (options.verb == Verb::config) {
    fmt::print("{}", default_config_text());
    return {};
  }
  RB_TRY(const std::unique_ptr<Administrator> administrator, find_administrator(options, config));
  switch (options.verb) {
    case Verb::invite:
      return invite(options, *administrator);
    case Verb::nodes:
      return nodes(options, *administrator);
    case Verb::remove:
      return remove(options, *administrator);
    case Verb::rename:
      return rename(options, *administrator);
    case Verb::new_key:
      return new_key(options, *administrator);
    case Verb::admin_token:
      return run_admin_token(options, *administrator);
    case Verb::admin_tokens:
      return run_admin_tokens(options, *administrator);
    case Verb::revoke_token:
      return run_revoke_token(options, *administrator);
    case Verb::check:
      return check(options, *administrator);
    case Verb::prune:
      return run_prune(options, *administrator);
    case Verb::snapshots:
      return run_snapshots(options, *administrator);
    case Verb::pin:
      return run_pin(options, *administrator, true);
    case Verb::unpin:
      return run_pin(options, *administrator, false);
    case Verb::undelete:
      return run_undelete(options, *administrator);
    case Verb::gc:
      return run_gc(options, *administrator);
    case Verb::stats:
      return run_stats(options, *administrator);
    case Verb::serve:
    case Verb::config:
      break;
  }
  RB_ASSERT(false);
}

}  // namespace rb::daemon
