// The JSON messages about nodes: joining, and what administrators ask for (docs/protocol.md, "Messages").
// Rules as in messages.h. Three of these messages carry a secret; none is ever logged.
#pragma once

#include "api/join_link.h"

namespace rb::api {

std::string encode_join_request(const JoinRequest& request);
Result<JoinRequest> decode_join_request(ByteView text);
std::string encode_join_answer(const JoinAnswer& answer);
Result<JoinAnswer> decode_join_answer(ByteView text);

// What an administrator asks for; where the link is to lead is the server's to know, unless it is said.
struct InvitationOrder {
  InvitationRequest invitation;
  std::string address;  // HOST:PORT; empty: the server's own
};
std::string encode_invitation_order(const InvitationOrder& order);
Result<InvitationOrder> decode_invitation_order(ByteView text);

// An invitation, ready to be handed over.
struct InvitationAnswer {
  std::string link;  // secret
  std::string node;
  std::string group;
  Timestamp expires;
  bool replaces = false;
};
std::string encode_invitation_answer(const InvitationAnswer& answer);
Result<InvitationAnswer> decode_invitation_answer(ByteView text);

std::string encode_node(const NodeOverview& node);  // as one line
std::string encode_nodes(const std::vector<NodeOverview>& nodes);
Result<std::vector<NodeOverview>> decode_nodes(ByteView text);

std::string encode_removal(const std::string& node);
Result<std::string> decode_removal(ByteView text);

struct Renaming {
  std::string from, to;
};
std::string encode_renaming(const Renaming& renaming);
Result<Renaming> decode_renaming(ByteView text);

// What a token is to be called; no body at all, or no name in it: the server makes one up.
std::string encode_token_order(const std::string& name);
Result<std::string> decode_token_order(ByteView text);
std::string encode_token(const AdministratorToken& token);  // secret
Result<AdministratorToken> decode_token(ByteView text);

std::string encode_token_overview(const TokenOverview& token);  // as one line
Result<TokenOverview> decode_token_overview(ByteView text);
std::string encode_tokens(const std::vector<TokenOverview>& tokens);
Result<std::vector<TokenOverview>> decode_tokens(ByteView text);
// By the beginning of a token's id.
std::string encode_revocation(const std::string& id);
Result<std::string> decode_revocation(ByteView text);

std::string encode_key_pin(const KeyPin& pin);
Result<KeyPin> decode_key_pin(ByteView text);

}  // namespace rb::api
